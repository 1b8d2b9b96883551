// upstream: groups of backends.
#include <fmt/format.h>

#include <algorithm>

#include "features/scopes.h"
#include "http/address.h"
#include "http/exchange.h"
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

/// The directive and its arguments are the method's name.
void set_method(const Call& call) {
  std::string name = call.name();
  for (const std::string& argument : call.args) name += " " + argument;
  choose_method(call, name, call.args.empty() ? std::string_view() : std::string_view(call.args.back()));
}

void set_hash(const Call& call) {
  std::string name = "hash";
  for (const std::string& argument : call.args.subspan(1)) name += " " + argument;
  choose_method(call, name, call.args.back());
  Loader::of(call).upstream->key = Template::compile(call.args[0], Loader::of(call).config.variables);
}

void set_ip_hash(const Call& call) {
  choose_method(call, "ip_hash");
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  upstream.key = Template::compile("$binary_remote_addr", Loader::of(call).config.variables);
  upstream.key_is_address = true;
}

void set_queue(const Call& call) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  if (upstream.queue != 0) call.fail_duplicate();
  const auto most = config::parse_number(call.args[0]);
  if (!most || *most == 0) call.fail(fmt::format("invalid queue size \"{}\"", call.args[0]));
  upstream.queue = *most;
  if (call.args.size() == 1) return;
  const auto time = call.args[1].starts_with("timeout=") ? config::parse_time_ms(call.args[1].substr(8)) : std::nullopt;
  if (!time || time->count() == 0) call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
  upstream.queue_timeout = *time;
}

bool always(const config::Settings&) { return true; }

void add_retry_after(Exchange& exchange, Response& response) {
  if (response.status == 503 && !exchange.retry_after.empty())
    response.fields.add({"Retry-After", exchange.retry_after, field_id("Retry-After")});
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
        "A backend: weight=, max_conns=, max_fails=, fail_timeout=, slow_start=, route=, zone=, backup, down, drain.",
        &add_server),
    config::custom("least_conn", kUpstream, {0, 0}, "",
        "Prefer the backend with the fewest requests under way per unit of weight, counted over all workers.",
        &set_method),
    config::custom("round_robin", kUpstream, {0, 0}, "", "Take turns, in proportion to weight. The default.",
        &set_method),
    config::custom("random", kUpstream, {0, 2}, "[two [least_conn | least_time=header | least_time=last_byte]]",
        "Draw lots, in proportion to weight; or draw two and take the better one.", &set_method),
    config::custom("ip_hash", kUpstream, {0, 0}, "", "The same client address, the same backend; as nginx maps them.",
        &set_ip_hash),
    config::custom("hash", kUpstream, {1, 3}, "key [consistent [bounded]]",
        "The same key, the same backend, as nginx maps them; `bounded`: unless that has a quarter more than its share.",
        &set_hash),
    config::custom("least_time", kUpstream, {1, 2}, "header | last_byte [inflight]",
        "Prefer the backend that is expected to be done first, by its average time and what is under way.",
        &set_method),
    config::custom("peak_ewma", kUpstream, {0, 0}, "",
        "As least_time header, but a slow answer counts at once and is forgotten in some ten seconds.", &set_method),
    config::custom("queue", kUpstream, {1, 2}, "number [timeout=time]",
        "How many requests may wait while all servers are at their max_conns; others get 503.", &set_queue),
    directive<&UpstreamConf::local_zone, &config::text>("local_zone", scopes::kHttp | kUpstream, {1, 1}, "name",
        "Where this proxy stands: servers with this zone= are preferred until they are loaded half as much again."),
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

constexpr HeaderFilter kFilters[] = {{.enabled = always, .run = add_retry_after}};

}  // namespace

extern const Feature upstream;
const Feature upstream{.name = "upstream", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
