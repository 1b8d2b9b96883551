// upstream: what groups of backends have for requests of HTTP beside what they have for all (shared/features/upstream.cc):
// connections that are kept, and a queue.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using namespace scopes;

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
constexpr DirectiveSpec kDirectives[] = {
    config::custom("queue", kUpstream, {1, 2}, "number [timeout=time]",
        "How many requests may wait while all servers are at their max_conns; others get 503.", &set_queue),
    config::custom("keepalive", kUpstream, {1, 2}, "connections [local]",
        "How many idle connections each worker keeps. Unless given: 32, or as many as were in use at once lately.",
        &set_keepalive),
    directive<&UpstreamConf::keepalive_requests, &count>("keepalive_requests", kUpstream, {1, 1}, "number",
        "How many requests one connection may carry."),
    directive<&UpstreamConf::keepalive_timeout, &config::time_ms>("keepalive_timeout", kUpstream, {1, 1}, "time",
        "How long a connection may be idle."),
    directive<&UpstreamConf::keepalive_time, &config::time_ms>("keepalive_time", kUpstream, {1, 1}, "time",
        "How long a connection may be used at all."),
};

constexpr HeaderFilter kFilters[] = {{.enabled = always, .run = add_retry_after}};

}  // namespace

extern const Feature upstream;
const Feature upstream{.name = "upstream", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
