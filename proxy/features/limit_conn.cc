// limit_conn: how many requests with one key may be under way at once.
#include "features/key_table.h"
#include "features/limit_zone.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;

using Counts = KeyTable<std::uint32_t>;

struct Limit {
  struct Zone {
    Template key;
    std::shared_ptr<Counts> counts;  // null: not defined yet
    bool is_defined() const { return counts != nullptr; }
  };
  std::string name;  // of the zone
  std::shared_ptr<Zone> zone;
  std::uint32_t most = 0;
};

using Conf = LimitConf<Limit>;

enum class Outcome : std::uint8_t { None, Passed, Rejected, RejectedDryRun };
constexpr std::string_view kOutcomes[] = {"", "PASSED", "REJECTED", "REJECTED_DRY_RUN"};

/// One counted request: gives its place back when the exchange ends.
struct Place final : AtEnd {
  Counts* counts;  // the exchange's configuration keeps it
  std::string_view key;

  Place(Counts& its_counts, std::string_view its_key) : counts(&its_counts), key(its_key) {}
  void run() noexcept override {
    const bool unused = counts->with(
        key, false, [](std::uint32_t) { return false; }, [](std::uint32_t& count) { return count == 0 || --count == 0; });
    if (unused) counts->erase_if(key, [](std::uint32_t count) { return count == 0; });
  }
};

PhaseResult limit_connections(Exchange& exchange) {
  if (exchange.limit_conn_outcome != 0 || exchange.is_subrequest) return PhaseResult::next();
  const Conf& conf = exchange.conf<Conf>();
  const auto set_outcome = [&](Outcome outcome) { exchange.limit_conn_outcome = static_cast<std::uint8_t>(outcome); };
  for (const Limit& limit : *conf.limits) {
    const std::string_view key = limit_key(exchange, limit.zone->key);
    if (key.empty()) continue;
    const auto unused = [](std::uint32_t count) { return count == 0; };
    const bool admitted = limit.zone->counts->with(key, false, unused, [&limit](std::uint32_t& count) {
      if (count >= limit.most) return false;
      ++count;
      return true;
    });
    if (!admitted) {
      log::write(exchange.runtime().error_log(), *conf.level, exchange.subject(), "limiting connections{} by zone \"{}\"",
                 *conf.dry_run ? ", dry run," : "", limit.name);
      set_outcome(*conf.dry_run ? Outcome::RejectedDryRun : Outcome::Rejected);
      if (*conf.dry_run) return PhaseResult::next();
      exchange.count_refusal(Refusal::LimitConnections);
      return PhaseResult::respond(*conf.status);
    }
    set_outcome(Outcome::Passed);
    exchange.at_end(*exchange.make<Place>(*limit.zone->counts, exchange.keep(key)));
  }
  return PhaseResult::next();
}

// --- directives

void add_zone(const Call& call) {
  Loader& loader = Loader::of(call);
  if (!call.args[1].starts_with("zone=")) call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
  const ZoneName name = parse_zone(call, std::string_view(call.args[1]).substr(5));
  const auto& zone = zone_called<Conf>(loader, name.name);
  if (zone->is_defined())
    call.fail(fmt::format("limit_conn_zone \"{}\" is already bound to key \"{}\"", name.name, zone->key.source()));
  zone->key = template_value(call);
  zone->counts = shared_table<Counts>(name.name, "connections by " + zone->key.source(), name.octets);
}

Limit parse_limit(const Call& call) {
  const auto number = config::parse_number(call.args[1], 65535);
  if (!number) call.fail(fmt::format("invalid number of connections \"{}\"", call.args[1]));
  if (*number == 0) call.fail("connection limit must be greater than 0");
  Limit limit{call.args[0], nullptr, static_cast<std::uint32_t>(*number)};
  find_zone<Conf>(call, limit);
  return limit;
}

VariableValue limit_conn_status(Exchange& x, const VariableArg&) {
  if (x.limit_conn_outcome == 0) return VariableValue::not_found();
  return {kOutcomes[x.limit_conn_outcome]};
}
constexpr VariableSpec kVariables[] = {{"limit_conn_status", getter<limit_conn_status>}};

using namespace scopes;
constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("limit_conn_zone", kHttp, {2, 2}, "key zone=name:size",
        "A table of keys and how many requests with each are under way.", &add_zone),
    config::repeated<&Conf::limits, &parse_limit>("limit_conn", kHttpServerLocation, {2, 2}, "zone number",
        "Refuses requests when so many with the same key are under way."),
    limit_status_row<Conf>("limit_conn_status"),
    limit_level_row<Conf>("limit_conn_log_level", "The level that refusals are logged with."),
    limit_dry_run_row<Conf>("limit_conn_dry_run"),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PreAccess, .enabled = has_limits<Conf>, .run = limit_connections}};

}  // namespace

extern const Feature limit_conn;
const Feature limit_conn{.name = "limit_conn", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::http
