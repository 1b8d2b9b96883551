// What limit_req_zone and limit_conn_zone have in common.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "log/level.h"
#include "shared/context.h"
#include "shared/features/scopes.h"

namespace weir::shared {

struct ZoneName {
  std::string name;
  std::size_t octets = 0;
};

/// Reads `zone=name:size`; the argument without `zone=`. Throws in nginx's wording.
inline ZoneName parse_zone(const config::Call& call, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) call.fail(fmt::format("invalid zone size \"zone={}\"", text));
  const auto size = config::parse_size(text.substr(colon + 1));
  if (!size) call.fail(fmt::format("invalid zone size \"zone={}\"", text));
  constexpr std::size_t kLeast = 32 * 1024;
  if (size->count() < kLeast) call.fail(fmt::format("zone \"{}\" is too small", text.substr(0, colon)));
  return {std::string(text.substr(0, colon)), static_cast<std::size_t>(size->count())};
}

/// What a feature that limits by keys is set to. `Limit` is one limit of a scope: it has the `name` of its zone, a type
/// `Zone` with the `key` and `is_defined()`, and the `zone`.
template <class Limit>
struct LimitConf {
  config::Setting<std::vector<Limit>> limits;
  config::Setting<int> status{503};
  config::Setting<log::Level> level{log::Level::Error};
  config::Setting<bool> dry_run{false};
  std::map<std::string, std::shared_ptr<typename Limit::Zone>> zones;  // of the protocol's block only
};

/// The zone called `name`, which may be defined further down.
template <class Conf>
auto& zone_called(Loader& loader, const std::string& name) {
  auto& zone = loader.protocol.settings.edit<Conf>().zones[name];
  if (!zone) zone = std::make_shared<typename std::decay_t<decltype(zone)>::element_type>();
  return zone;
}

/// Gives `limit`, which `call` adds to its scope, the zone that it names.
template <class Conf, class Limit>
void find_zone(const config::Call& call, Limit& limit) {
  const auto& here = call.settings.get<Conf>().limits;
  const auto is_same = [&](const Limit& other) { return other.name == limit.name; };
  if (here.is_set_here() && std::any_of(here->begin(), here->end(), is_same)) call.fail_duplicate();
  Loader& loader = Loader::of(call);
  limit.zone = zone_called<Conf>(loader, limit.name);
  loader.afterwards([&loader, zone = limit.zone, name = limit.name, at = call.statement.at] {
    if (!zone->is_defined()) loader.diagnostics.error(at, fmt::format("zero size shared memory zone \"{}\"", name));
  });
}

/// The key that `context` counts by; empty: it does not count.
inline std::string_view limit_key(Context& context, const Template& of_zone) {
  constexpr std::size_t kLongest = 65535;  // as in nginx
  const std::string_view key = of_zone.evaluate(context);
  if (key.size() <= kLongest) return key;
  log::error(context.error_log(), context,
             "the value of the \"{}\" key is more than 65535 bytes: \"{}\"", of_zone.source(), key.substr(0, 64));
  return {};
}

/// `PhaseHandler::enabled`.
template <class Conf>
bool has_limits(const config::Settings& settings) {
  return !settings.get<Conf>().limits->empty();
}

inline constexpr config::EnumName<log::Level> kLimitLevels[] = {{"info", log::Level::Info},
                                                                {"notice", log::Level::Notice},
                                                                {"warn", log::Level::Warn},
                                                                {"error", log::Level::Error}};

/// Parse function: the status of refused requests.
inline int refusal_status(const config::Call& call) { return static_cast<int>(config::number_between(call, 400, 599)); }

// The rows that such features have in common.
template <class Conf>
consteval config::DirectiveSpec limit_status_row(std::string_view name) {
  return config::directive<&Conf::status, &refusal_status>(name, scopes::kHttpServerLocation, {1, 1}, "code",
                                                           "The status of refused requests; 503 unless given.");
}
template <class Conf>
consteval config::DirectiveSpec limit_level_row(std::string_view name, std::string_view doc,
                                                config::Context where = scopes::kHttpServerLocation) {
  return config::directive<&Conf::level, &config::an_enum<kLimitLevels>>(name, where, {1, 1},
                                                                         "info | notice | warn | error", doc);
}
template <class Conf>
consteval config::DirectiveSpec limit_dry_run_row(std::string_view name,
                                                  config::Context where = scopes::kHttpServerLocation) {
  return config::directive<&Conf::dry_run, &config::on_off>(name, where, {1, 1}, "on | off", "Only counts and logs.");
}

}  // namespace weir::shared
