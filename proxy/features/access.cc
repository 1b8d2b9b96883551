// access: which addresses may have something, and whether one passed check is enough (satisfy).
#include <fmt/format.h>

#include "features/scopes.h"
#include "shared/cidr.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;

struct Rule {
  Network network;
  bool allows = false;
};

struct Conf {
  Setting<std::vector<Rule>> rules;
};

Rule parse_rule(const Call& call) {
  bool loose = false;
  const auto network = Network::parse(call.args[0], &loose);
  if (!network) call.fail(fmt::format("invalid parameter \"{}\"", call.args[0]));
  if (loose) call.warn(fmt::format("low address bits of {} are meaningless", call.args[0]));
  return {*network, call.name() == "allow"};
}

bool enabled(const config::Settings& settings) { return !settings.get<Conf>().rules->empty(); }

PhaseResult check(Exchange& exchange) {
  const net::Endpoint& client = exchange.client_address();
  for (const Rule& rule : *exchange.conf<Conf>().rules) {
    if (!rule.network.contains(client)) continue;
    if (rule.allows) return PhaseResult::allowed();
    if (!*exchange.conf<CoreConf>().satisfy_any)
      log::error(exchange.runtime().error_log(), exchange.subject(), "access forbidden by rule");
    return PhaseResult::respond(403);
  }
  return PhaseResult::next();
}

constexpr auto kContexts = scopes::kHttpServerLocation | config::LimitExcept;

bool any_or_all(const Call& call) {
  constexpr config::EnumName<bool> kNames[] = {{"all", false}, {"any", true}};
  return config::enum_value(call, call.args[0], kNames);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::repeated<&Conf::rules, &parse_rule>("allow", kContexts, {1, 1}, "address | CIDR | unix: | all",
        "Lets these addresses pass; the first rule that fits decides."),
    config::repeated<&Conf::rules, &parse_rule>("deny", kContexts, {1, 1}, "address | CIDR | unix: | all",
        "Refuses them with 403."),
    config::directive<&CoreConf::satisfy_any, &any_or_all>("satisfy", scopes::kHttpServerLocation, {1, 1}, "all | any",
        "Whether all checks of access must be passed or one of them."),
    config::directive<&CoreConf::auth_delay, &config::time_ms>("auth_delay", scopes::kHttpServerLocation, {1, 1}, "time",
        "How long an answer 401 is held back, against guessing."),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Access, .enabled = enabled, .run = check}};

}  // namespace

extern const Feature access;
const Feature access{.name = "access", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
