// limit_conn: how many requests or sessions with one key may be under way at once.
#include "shared/limit_conn.h"

#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/limit_zone.h"
#include "shared/key_table.h"

namespace weir::shared {

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

/// One counted request or session: gives its place back when that ends.
struct Place final : AtEnd {
  Counts* counts;  // the configuration keeps it, and what is served keeps that
  std::string_view key;

  Place(Counts& its_counts, std::string_view its_key) : counts(&its_counts), key(its_key) {}
  void run() noexcept override {
    const bool unused = counts->with(
        key, false, [](std::uint32_t) { return false; }, [](std::uint32_t& count) { return count == 0 || --count == 0; });
    if (unused) counts->erase_if(key, [](std::uint32_t count) { return count == 0; });
  }
};

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

using namespace scopes;
constexpr auto kEverywhere = kHttpServerLocation | kStreamAndServer;
constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("limit_conn_zone", kProtocols, {2, 2}, "key zone=name:size",
        "A table of keys and how many requests with each are under way.", &add_zone),
    config::repeated<&Conf::limits, &parse_limit>("limit_conn", kEverywhere, {2, 2}, "zone number",
        "Refuses requests when so many with the same key are under way."),
    limit_status_row<Conf>("limit_conn_status"),
    limit_level_row<Conf>("limit_conn_log_level", "The level that refusals are logged with.", kEverywhere),
    limit_dry_run_row<Conf>("limit_conn_dry_run", kEverywhere),
};
}  // namespace

bool has_connection_limits(const config::Settings& settings) { return has_limits<Conf>(settings); }
int connection_refusal_status(const config::Settings& settings) { return *settings.get<Conf>().status; }

bool admit_connection(Context& context) {
  if (context.limit_conn_outcome != 0) return true;
  const Conf& conf = context.settings().get<Conf>();
  const auto set_outcome = [&](Outcome outcome) { context.limit_conn_outcome = static_cast<std::uint8_t>(outcome); };
  for (const Limit& limit : *conf.limits) {
    const std::string_view key = limit_key(context, limit.zone->key);
    if (key.empty()) continue;
    const auto unused = [](std::uint32_t count) { return count == 0; };
    const bool admitted = limit.zone->counts->with(key, false, unused, [&limit](std::uint32_t& count) {
      if (count >= limit.most) return false;
      ++count;
      return true;
    });
    if (!admitted) {
      log::write(context.error_log(), *conf.level, context, "limiting connections{} by zone \"{}\"",
                 *conf.dry_run ? ", dry run," : "", limit.name);
      set_outcome(*conf.dry_run ? Outcome::RejectedDryRun : Outcome::Rejected);
      return *conf.dry_run;
    }
    set_outcome(Outcome::Passed);
    context.at_end(*context.make<Place>(*limit.zone->counts, context.keep(key)));
  }
  return true;
}

VariableValue limit_conn_status(Context& context, const VariableArg&) {
  if (context.limit_conn_outcome == 0) return VariableValue::not_found();
  return {kOutcomes[context.limit_conn_outcome]};
}

extern const Directives limit_conn_directives;
const Directives limit_conn_directives = kDirectives;

}  // namespace weir::shared
