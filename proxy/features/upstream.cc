// upstream: groups of backends.
#include <fmt/format.h>

#include <algorithm>

#include "features/scopes.h"
#include "http/address.h"
#include "http/resolver_conf.h"
#include "http/upstream_block.h"

namespace weir::http {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using namespace scopes;

void open_upstream(const Call& call) {
  Loader& loader = Loader::of(call);
  if (loader.config.find_upstream(call.args[0])) call.fail(fmt::format("duplicate upstream \"{}\"", call.args[0]));
  auto owned = std::make_unique<UpstreamBlock>();
  UpstreamBlock& block = *owned;
  block.name = call.args[0];
  block.at = call.statement.at;
  block.method = balancer::find_picker("round_robin");
  loader.config.upstreams.push_back(std::move(owned));
  const Scope in_upstream(loader.upstream, &block);
  call.apply_children(config::Upstream, block.settings);
  if (block.servers.empty() && !block.discovers)
    call.fail(fmt::format("no servers are inside upstream \"{}\"", block.name));
}

std::uint32_t number_of(const Call& call, std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  const auto number = config::parse_number(parameter.substr(equals + 1));
  if (!number) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
  return static_cast<std::uint32_t>(*number);
}

void add_server(const Call& call) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  const HostPort where = parse_host_port(call.args[0], 80);
  ServerLine line{where.host, where.port, {}, call.statement.at};
  balancer::Member& member = line.member;
  member.name = call.args[0];
  for (const std::string& parameter : call.args.subspan(1)) {
    if (parameter.starts_with("weight=")) {
      member.weight = number_of(call, parameter);
      if (member.weight == 0) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    } else if (parameter.starts_with("max_fails=")) {
      member.max_fails = number_of(call, parameter);
    } else if (parameter.starts_with("max_conns=")) {
      member.max_conns = number_of(call, parameter);
    } else if (parameter.starts_with("fail_timeout=")) {
      const auto time = config::parse_time_ms(std::string_view(parameter).substr(13));
      if (!time) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
      member.fail_timeout = *time;
    } else if (parameter == "backup") {
      member.backup = true;
    } else if (parameter == "down") {
      member.down = true;
    } else if (parameter == "resolve") {
      line.resolves = !where.is_literal();
    } else if (parameter.starts_with("service=")) {
      line.service = parameter.substr(8);
      if (line.service.empty()) call.fail("empty service name");
      if (where.port_given) call.fail(fmt::format("service upstream \"{}\" may not have port", call.args[0]));
      if (where.is_literal()) call.fail(fmt::format("service upstream \"{}\" requires domain name", call.args[0]));
    } else if (parameter.starts_with("slow_start=") ||
               parameter.starts_with("route=") || parameter == "drain") {
      call.fail(fmt::format("the parameter \"{}\" is not implemented by Weir yet", parameter));
    } else {
      call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    }
  }
  if (!line.service.empty() && !line.resolves)
    call.fail(fmt::format("service upstream \"{}\" requires \"resolve\" parameter", call.args[0]));
  if (line.resolves)
    Loader::of(call).afterwards([&call_loader = Loader::of(call), &upstream, at = call.statement.at] {
      const auto& own = upstream.settings.get<ResolverConf>().resolver;
      const auto& outer = call_loader.config.settings.get<ResolverConf>().resolver;
      if (!(own.is_set() ? *own : *outer))
        call_loader.diagnostics.error(at, "no resolver defined to resolve names at run time in upstream \"" +
                                              upstream.name + "\"");
    });
  upstream.servers.push_back(std::move(line));
}

void set_method(const Call& call) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  if (upstream.method_given) call.warn("load balancing method redefined");
  upstream.method = balancer::find_picker(call.name());
  upstream.method_given = true;
}

void set_keepalive(const Call& call) {
  UpstreamConf& conf = call.settings.edit<UpstreamConf>();
  if (conf.keepalive.is_set_here()) call.fail_duplicate();
  if (call.args.size() == 2 && call.args[1] != "local") call.fail_value(call.args[1], "\"local\"");
  conf.keepalive.set(config::number(call));
}

std::uint64_t count(const Call& call) { return config::number(call); }
void ignore(const Call&) {}

constexpr DirectiveSpec kDirectives[] = {
    config::block("upstream", kHttp, {1, 1}, "name { … }", "A group of backends.", &open_upstream),
    config::custom("server", kUpstream, {1, -1}, "address [parameters]",
        "A backend: weight=, max_conns=, max_fails=, fail_timeout=, backup, down.", &add_server),
    config::custom("least_conn", kUpstream, {0, 0}, "",
        "Prefer the backend with the fewest requests under way per unit of weight, counted over all workers.",
        &set_method),
    config::custom("round_robin", kUpstream, {0, 0}, "", "Take turns, in proportion to weight. The default.",
        &set_method),
    config::custom("keepalive", kUpstream, {1, 2}, "connections [local]",
        "How many idle connections each worker keeps. Unless given: 32, or as many as were in use at once lately.",
        &set_keepalive),
    directive<&UpstreamConf::keepalive_requests, &count>("keepalive_requests", kUpstream, {1, 1}, "number",
        "How many requests one connection may carry."),
    directive<&UpstreamConf::keepalive_timeout, &config::time_ms>("keepalive_timeout", kUpstream, {1, 1}, "time",
        "How long a connection may be idle."),
    directive<&UpstreamConf::keepalive_time, &config::time_ms>("keepalive_time", kUpstream, {1, 1}, "time",
        "How long a connection may be used at all."),
    config::custom("zone", kUpstream, {1, 2}, "name [size]", "Shares the state of the group.", &ignore)
        .accepted("all workers share the state of every group anyway"),
};

}  // namespace

extern const Feature upstream;
const Feature upstream{.name = "upstream", .directives = kDirectives};

}  // namespace weir::http
