// upstream: groups of backends.
#include <fmt/format.h>

#include <algorithm>

#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/address.h"
#include "shared/context.h"
#include "shared/resolver_conf.h"
#include "shared/upstream_block.h"

namespace weir::shared {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using namespace scopes;

void open_upstream(const Call& call) {
  Loader& loader = Loader::of(call);
  if (loader.protocol.find_upstream(call.args[0])) call.fail(fmt::format("duplicate upstream \"{}\"", call.args[0]));
  auto owned = std::make_unique<UpstreamBlock>();
  UpstreamBlock& block = *owned;
  block.name = call.args[0];
  block.at = call.statement.at;
  block.method = balancer::find_picker("round_robin");
  loader.protocol.upstreams.push_back(std::move(owned));
  const Scope in_upstream(loader.upstream, &block);
  call.apply_children(call.where == config::Http ? config::Upstream : config::StreamUpstream, block.settings);
  if (block.method->traits.by_key)
    for (const ServerLine& line : block.servers)
      if (line.member.slow_start.count() != 0)
        loader.diagnostics.error(line.at, fmt::format("balancing method does not support parameter \"slow_start={}ms\"",
                                                      line.member.slow_start.count()));
  if (block.servers.empty() && !block.discovers)
    call.fail(fmt::format("no servers are inside upstream \"{}\"", block.name));
}

std::uint32_t number_of(const Call& call, std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  const auto number = config::parse_number(parameter.substr(equals + 1));
  if (!number) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
  return static_cast<std::uint32_t>(*number);
}

constexpr std::size_t kLongestRoute = 32;  // as nginx

void add_server(const Call& call) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  const bool is_http = call.where == config::Upstream;
  const HostPort where = parse_host_port(call.args[0], is_http ? 80 : 0);
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
    } else if (parameter.starts_with("slow_start=")) {
      const auto time = config::parse_time_ms(std::string_view(parameter).substr(11));
      if (!time) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
      member.slow_start = *time;
    } else if (parameter.starts_with("route=")) {
      member.route = parameter.substr(6);
      if (member.route.empty() || member.route.size() > kLongestRoute)
        call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    } else if (parameter.starts_with("zone=")) {
      member.zone = parameter.substr(5);
    } else if (parameter == "drain") {
      member.draining = true;
    } else {
      call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    }
  }
  if (!is_http && !where.is_unix() && where.port == 0 && line.service.empty())
    call.fail(fmt::format("no port in upstream \"{}\"", call.args[0]));
  if (!line.service.empty() && !line.resolves)
    call.fail(fmt::format("service upstream \"{}\" requires \"resolve\" parameter", call.args[0]));
  if (line.resolves)
    Loader::of(call).afterwards([&call_loader = Loader::of(call), &upstream, at = call.statement.at] {
      const auto& own = upstream.settings.get<ResolverConf>().resolver;
      const auto& outer = call_loader.protocol.settings.get<ResolverConf>().resolver;
      if (!(own.is_set() ? *own : *outer))
        call_loader.diagnostics.error(at, "no resolver defined to resolve names at run time in upstream \"" +
                                              upstream.name + "\"");
    });
  upstream.servers.push_back(std::move(line));
}

/// Makes the method called `name` that of the upstream. `wrong`: the argument to complain about if there is none.
void choose_method(const Call& call, const std::string& name, std::string_view wrong = {}) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  const balancer::PickerSpec* const method = balancer::find_picker(name);
  if (!method) call.fail(fmt::format("invalid parameter \"{}\"", wrong));
  if (upstream.method_given) call.warn("load balancing method redefined");
  upstream.method = method;
  upstream.method_given = true;
  upstream.key = {};
  upstream.key_is_address = false;
}

/// The directive and its arguments are the method's name. In stream `first_byte` takes the place of `header`, and
/// `connect` counts the connection as the answer.
void set_method(const Call& call) {
  std::string name = call.name();
  const bool is_http = call.where == config::Upstream;
  bool by_connect = false;
  for (const std::string& argument : call.args) {
    const bool has_prefix = argument.starts_with("least_time=");
    std::string_view word = std::string_view(argument).substr(has_prefix ? 11 : 0);
    if (!is_http && word == "header") call.fail(fmt::format("invalid parameter \"{}\"", argument));
    by_connect = by_connect || (!is_http && word == "connect");
    if (!is_http && (word == "connect" || word == "first_byte")) word = "header";
    name += has_prefix ? " least_time=" : " ";
    name += word;
  }
  choose_method(call, name, call.args.empty() ? std::string_view() : std::string_view(call.args.back()));
  Loader::of(call).upstream->timed_by_connect = by_connect;
}

void set_hash(const Call& call) {
  std::string name = "hash";
  for (const std::string& argument : call.args.subspan(1)) name += " " + argument;
  choose_method(call, name, call.args.back());
  Loader::of(call).upstream->key = Template::compile(call.args[0], Loader::of(call).protocol.variables);
}

void set_ip_hash(const Call& call) {
  choose_method(call, "ip_hash");
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  upstream.key = Template::compile("$binary_remote_addr", Loader::of(call).protocol.variables);
  upstream.key_is_address = true;
}

void ignore(const Call&) {}

constexpr DirectiveSpec kDirectives[] = {
    config::block("upstream", kProtocols, {1, 1}, "name { … }", "A group of backends.", &open_upstream),
    config::custom("server", kUpstreams, {1, -1}, "address [parameters]",
        "A backend: weight=, max_conns=, max_fails=, fail_timeout=, slow_start=, route=, zone=, backup, down, drain.",
        &add_server),
    config::custom("least_conn", kUpstreams, {0, 0}, "",
        "Prefer the backend with the fewest requests under way per unit of weight, counted over all workers.",
        &set_method),
    config::custom("round_robin", kUpstreams, {0, 0}, "", "Take turns, in proportion to weight. The default.",
        &set_method),
    config::custom("random", kUpstreams, {0, 2}, "[two [least_conn | least_time=header | least_time=last_byte]]",
        "Draw lots, in proportion to weight; or draw two and take the better one.", &set_method),
    config::custom("ip_hash", kUpstreams, {0, 0}, "", "The same client address, the same backend; as nginx maps them.",
        &set_ip_hash),
    config::custom("hash", kUpstreams, {1, 3}, "key [consistent [bounded]]",
        "The same key, the same backend, as nginx maps them; `bounded`: unless that has a quarter more than its share.",
        &set_hash),
    config::custom("least_time", kUpstreams, {1, 2}, "header | last_byte [inflight]",
        "Prefer the backend that is expected to be done first, by its average time and what is under way.",
        &set_method),
    config::custom("peak_ewma", kUpstreams, {0, 0}, "",
        "As least_time header, but a slow answer counts at once and is forgotten in some ten seconds.", &set_method),
    directive<&UpstreamConf::local_zone, &config::text>("local_zone", kProtocols | kUpstreams, {1, 1}, "name",
        "Where this proxy stands: servers with this zone= are preferred until they are loaded half as much again."),
    config::custom("zone", kUpstreams, {1, 2}, "name [size]", "Shares the state of the group.", &ignore)
        .accepted("all workers share the state of every group anyway"),
};

}  // namespace

extern const Directives upstream_directives;
const Directives upstream_directives = kDirectives;

}  // namespace weir::shared
