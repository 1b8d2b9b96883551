// weir_status: what this process knows about itself, its upstreams and their discovery, as JSON.
#include <unistd.h>

#include <weir/balancer/snapshot.h>

#include "features/scopes.h"
#include "features/switch_here.h"
#include "shared/zk_conf.h"
#include "http/exchange.h"
#include "shared/json.h"
#include "http/respond.h"

namespace weir::http {

namespace {

/// Of one upstream; the counts are of all. The page is made between other work of a worker.
constexpr std::size_t kMostListed = 1000;

struct WeirStatus;

void tell_counters(JsonWriter& json, const ProcessCounters& counters) {
  const std::uint64_t accepted = counters.sum(&WorkerCounters::accepted);
  json.key("connections").object();
  json.key("accepted").number(accepted);
  json.key("handled").number(accepted - counters.sum(&WorkerCounters::turned_away));
  json.key("active").number(counters.sum(&WorkerCounters::active));
  json.key("reading").number(counters.sum(&WorkerCounters::reading));
  json.key("writing").number(counters.sum(&WorkerCounters::writing));
  json.key("waiting").number(counters.sum(&WorkerCounters::waiting));
  json.end_object();
  json.key("requests").number(counters.sum(&WorkerCounters::requests));
  json.key("refused").object();
  for (std::size_t i = 0; i < kRefusals; ++i)
    json.key(kRefusalNames[i]).number(counters.refused(static_cast<Refusal>(i)));
  json.end_object();
}

std::string_view state_of(const balancer::Backend& backend, const balancer::Member& member) {
  if (member.down) return "down";
  if (member.draining || backend.is_draining()) return "draining";
  if (backend.is_vetoed()) return "unhealthy";  // by a health check's word
  if (backend.is_failed()) return "failed";     // by max_fails
  return backend.is_full() ? "full" : "up";
}

void tell_backend(JsonWriter& json, const balancer::Backend& backend) {
  const balancer::Member member = backend.member();
  json.object();
  json.key("address").text(backend.address());
  if (member.name != backend.address()) json.key("name").text(member.name);
  if (!member.zone.empty()) json.key("zone").text(member.zone);
  json.key("state").text(state_of(backend, member));
  json.key("backup").truth(backend.is_backup());
  json.key("weight").number(backend.weight());
  json.key("active").number(backend.active());
  json.key("requests").number(backend.requests());
  json.key("failures").number(backend.failures());
  json.end_object();
}

void tell_upstream(JsonWriter& json, const UpstreamBlock& block) {
  const auto snapshot = block.group->snapshot();
  const auto tiers = {&snapshot->primaries(), &snapshot->backups()};
  std::uint64_t members = 0, active = 0;
  json.object();
  json.key("method").text(block.method->name);
  json.key("generation").number(snapshot->generation());
  json.key("all_failed").truth(snapshot->is_in_panic());
  json.key("queued").number(block.group->queue().size());
  json.key("backends").array();
  for (const auto* tier : tiers)
    for (std::size_t i = 0; i < tier->size(); ++i) {
      active += (*tier)[i].active();
      if (++members <= kMostListed) tell_backend(json, (*tier)[i]);
    }
  json.end_array();
  json.key("members").number(members);
  json.key("active").number(active);
  if (const auto& status = block.settings.get<ZkConf>().status) {
    json.key("discovery");
    status->write(json);
  }
  json.end_object();
}

void tell_upstreams(JsonWriter& json, const shared::ProtocolConfig& config) {
  json.object();
  for (const auto& block : config.upstreams) {
    json.key(block->name);
    tell_upstream(json, *block);
  }
  json.end_object();
}

PhaseResult tell_status(Exchange& exchange) {
  if (exchange.method() != Method::Get && exchange.method() != Method::Head) return PhaseResult::respond(405);
  const ProcessCounters& counters = exchange.runtime().worker().all_counters;
  const HttpConfig& config = exchange.runtime().config();
  const std::chrono::duration<double> up = std::chrono::steady_clock::now() - counters.began();
  JsonWriter json;
  json.object();
  json.key("version").text(WEIR_VERSION);
  json.key("pid").number(::getpid());
  json.key("workers").number(counters.workers());
  json.key("up_seconds").number(up.count());
  json.key("generation").number(config.generation);
  tell_counters(json, counters);
  tell_upstreams(json.key("upstreams"), config);
  tell_upstreams(json.key("stream_upstreams"), *config.stream);
  json.end_object();
  make_text(exchange, 200, exchange.keep(json.str()), "application/json");
  return PhaseResult::done();
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("weir_status", config::Server | config::Location, {0, 0}, "",
        "Answers with JSON: connections, requests, those refused by reason, and of each upstream its servers and what its "
        "discovery tells.", &switch_on_here<WeirStatus>),
};

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = is_on_here<WeirStatus>, .run = tell_status}};

}  // namespace

extern const Feature weir_status;
const Feature weir_status{.name = "weir_status", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
