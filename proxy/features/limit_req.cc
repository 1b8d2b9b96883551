// limit_req: how many requests a second may come with one key. Source: nginx's documentation, "leaky bucket".
#include <algorithm>
#include <chrono>

#include "shared/key_table.h"
#include "features/scopes.h"
#include "shared/features/limit_zone.h"
#include "http/exchange.h"
#include "http/patience.h"

namespace weir::http {

namespace {

using config::Call;

/// A key's bucket: how many thousandths of a request it is ahead of its rate, at the time of the last one.
struct Bucket {
  std::int64_t ahead = 0;
  std::chrono::steady_clock::time_point at{};
};

struct Limit {
  struct Zone {
    Template key;
    std::int64_t rate = 0;  // thousandths of a request per second; 0: not defined yet
    std::shared_ptr<KeyTable<Bucket>> buckets;
    bool is_defined() const { return rate != 0; }
  };
  std::string name;  // of the zone
  std::shared_ptr<Zone> zone;
  std::int64_t burst = 0, delay = 0;  // thousandths of a request
};

using Conf = LimitConf<Limit>;

/// What became of a request, for `$limit_req_status`.
enum class Outcome : std::uint8_t { Passed, Delayed, Rejected, DelayedDryRun, RejectedDryRun };
constexpr std::string_view kOutcomes[] = {"PASSED", "DELAYED", "REJECTED", "DELAYED_DRY_RUN", "REJECTED_DRY_RUN"};

/// What one limit says of a request.
struct Verdict {
  std::int64_t ahead = 0;
  bool counted = false;
  bool refused = false;
};

/// Judges, and counts if `count` and it is not refused.
Verdict judge(const Limit& limit, std::string_view key, std::chrono::steady_clock::time_point now, bool count) {
  const auto may_go = [](const Bucket&) { return true; };
  return limit.zone->buckets->with(key, Verdict{.refused = true}, may_go, [&](Bucket& bucket) -> Verdict {
    const bool is_new = bucket.at == std::chrono::steady_clock::time_point{};
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - bucket.at).count();
    // A long pause empties the bucket; without the bound the product could overflow.
    const std::int64_t drained = limit.zone->rate * std::clamp<std::int64_t>(passed, 0, 1'000'000'000) / 1000;
    const std::int64_t ahead = is_new ? 0 : std::max<std::int64_t>(0, bucket.ahead - drained + 1000);
    if (ahead > limit.burst) return {ahead, false, true};
    if (count) bucket = {ahead, std::max(now, bucket.at)};
    return {ahead, count, false};
  });
}

std::chrono::milliseconds delay_of(const Limit& limit, std::int64_t ahead) {
  if (ahead <= limit.delay) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds((ahead - limit.delay) * 1000 / limit.zone->rate);
}

void note(Exchange& exchange, log::Level level, std::string_view what, std::int64_t ahead, const Limit& limit) {
  const bool dry = *exchange.conf<Conf>().dry_run;
  log::write(exchange.runtime().error_log(), level, exchange.subject(), "{}{}, excess: {}.{:03}{} by zone \"{}\"", what,
             dry ? ", dry run" : "", ahead / 1000, ahead % 1000, what.starts_with("delaying") ? "," : "", limit.name);
}

log::Level milder(log::Level level) {
  return level == log::Level::Error ? log::Level::Warn : level == log::Level::Warn ? log::Level::Notice : log::Level::Info;
}

net::Task<PhaseResult> limit_requests(Exchange& exchange) {
  if (exchange.limit_req_outcome != 0 || exchange.is_subrequest) co_return PhaseResult::next();
  const Conf& conf = exchange.conf<Conf>();
  const auto set_outcome = [&exchange](Outcome outcome) {
    exchange.limit_req_outcome = static_cast<std::uint8_t>(static_cast<unsigned>(outcome) + 1);
  };
  const auto now = std::chrono::steady_clock::now();
  // All limits are asked before any but the last counts: a request that one refuses is none for the others.
  struct Asked {
    const Limit* limit;
    std::string_view key;
    std::int64_t ahead;
  };
  std::pmr::vector<Asked> asked(&exchange.arena());
  const std::vector<Limit>& limits = *conf.limits;
  for (const Limit& limit : limits) {
    const std::string_view key = limit_key(exchange, limit.zone->key);
    if (key.empty()) continue;
    const Verdict verdict = judge(limit, key, now, &limit == &limits.back());
    if (verdict.refused) {
      note(exchange, *conf.level, "limiting requests", verdict.ahead, limit);
      set_outcome(*conf.dry_run ? Outcome::RejectedDryRun : Outcome::Rejected);
      if (*conf.dry_run) co_return PhaseResult::next();
      exchange.count_refusal(Refusal::LimitRequests);
      co_return PhaseResult::respond(*conf.status);
    }
    asked.push_back({&limit, key, verdict.ahead});
  }
  if (asked.empty()) co_return PhaseResult::next();
  std::chrono::milliseconds delay{0};
  const Asked* slowest = nullptr;
  for (Asked& each : asked) {
    if (each.limit != &limits.back()) each.ahead = judge(*each.limit, each.key, now, true).ahead;
    if (const auto own = delay_of(*each.limit, each.ahead); own > delay) delay = own, slowest = &each;
  }
  if (!slowest) {
    set_outcome(Outcome::Passed);
    co_return PhaseResult::next();
  }
  note(exchange, milder(*conf.level), "delaying request", slowest->ahead, *slowest->limit);
  set_outcome(*conf.dry_run ? Outcome::DelayedDryRun : Outcome::Delayed);
  if (*conf.dry_run) co_return PhaseResult::next();
  const bool waited = co_await patient_sleep(exchange, delay);
  if (!waited) exchange.client_gone = true;
  co_return waited ? PhaseResult::next() : PhaseResult::respond(kClientClosed);
}

// --- directives

void add_zone(const Call& call) {
  ZoneName name;
  std::int64_t rate = 1;
  std::int64_t per = 1;
  for (const std::string& word : call.args.subspan(1)) {
    const std::string_view text = word;
    if (text.starts_with("zone=")) {
      name = parse_zone(call, text.substr(5));
    } else if (text.starts_with("rate=")) {
      if (text.ends_with("r/m")) per = 60;
      else if (!text.ends_with("r/s")) call.fail(fmt::format("invalid rate \"{}\"", word));
      const auto number = config::parse_number(text.substr(5, text.size() - 8), 1'000'000'000);
      if (!number || *number == 0) call.fail(fmt::format("invalid rate \"{}\"", word));
      rate = static_cast<std::int64_t>(*number);
    } else {
      call.fail(fmt::format("invalid parameter \"{}\"", word));
    }
  }
  if (name.name.empty()) call.fail("\"limit_req_zone\" must have \"zone\" parameter");
  const auto& zone = zone_called<Conf>(Loader::of(call), name.name);
  if (zone->is_defined())
    call.fail(fmt::format("limit_req_zone \"{}\" is already bound to key \"{}\"", name.name, zone->key.source()));
  zone->key = template_value(call);
  zone->rate = std::max<std::int64_t>(1, rate * 1000 / per);
  zone->buckets = shared_table<KeyTable<Bucket>>(name.name, zone->key.source(), name.octets);
}

Limit parse_limit(const Call& call) {
  Limit limit;
  bool no_delay = false;
  for (const std::string& word : call.args) {
    const std::string_view text = word;
    const auto number = [&](std::size_t prefix) {
      const auto value = config::parse_number(text.substr(prefix));
      if (!value || (prefix == 6 && *value == 0 && text.starts_with("burst"))) call.fail(fmt::format("invalid value \"{}\"", word));
      return static_cast<std::int64_t>(*value) * 1000;
    };
    if (text.starts_with("zone=")) limit.name = text.substr(5);
    else if (text.starts_with("burst=")) limit.burst = number(6);
    else if (text.starts_with("delay=")) limit.delay = number(6);
    else if (text == "nodelay") no_delay = true;
    else call.fail(fmt::format("invalid parameter \"{}\"", word));
  }
  if (limit.name.empty()) call.fail("\"limit_req\" must have \"zone\" parameter");
  if (no_delay) limit.delay = INT64_MAX;
  find_zone<Conf>(call, limit);
  return limit;
}

VariableValue limit_req_status(Exchange& x, const VariableArg&) {
  if (x.limit_req_outcome == 0) return VariableValue::not_found();
  return {kOutcomes[x.limit_req_outcome - 1]};
}
constexpr VariableSpec kVariables[] = {{"limit_req_status", getter<limit_req_status>}};

using namespace scopes;
constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("limit_req_zone", kHttp, {3, 4}, "key zone=name:size rate=rate",
        "A table of keys and the rate that requests with one key may come at, such as 10r/s or 30r/m.", &add_zone),
    config::repeated<&Conf::limits, &parse_limit>("limit_req", kHttpServerLocation, {1, 3},
        "zone=name [burst=number] [nodelay | delay=number]",
        "Delays requests that come faster than the zone's rate, and refuses those beyond the burst."),
    limit_status_row<Conf>("limit_req_status"),
    limit_level_row<Conf>("limit_req_log_level",
        "The level that refusals are logged with; delays are logged a level below."),
    limit_dry_run_row<Conf>("limit_req_dry_run"),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PreAccess, .enabled = has_limits<Conf>, .run_async = limit_requests}};

}  // namespace

extern const Feature limit_req;
const Feature limit_req{.name = "limit_req", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::http
