// access: whom allow and deny (shared/access_rules.h) let pass, and whether one passed check is enough (satisfy).
#include "features/scopes.h"
#include "http/exchange.h"
#include "shared/access_rules.h"

namespace weir::http {

namespace {

using config::Call;

PhaseResult check(Exchange& exchange) {
  const std::optional<bool> allowed = exchange.conf<AccessConf>().judge(exchange.client_address());
  if (!allowed) return PhaseResult::next();
  if (*allowed) return PhaseResult::allowed();
  if (!*exchange.conf<CoreConf>().satisfy_any)
    log::error(exchange.runtime().error_log(), exchange.subject(), "access forbidden by rule");
  return PhaseResult::respond(403);
}

bool any_or_all(const Call& call) {
  constexpr config::EnumName<bool> kNames[] = {{"all", false}, {"any", true}};
  return config::enum_value(call, call.args[0], kNames);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&CoreConf::satisfy_any, &any_or_all>("satisfy", scopes::kHttpServerLocation, {1, 1}, "all | any",
        "Whether all checks of access must be passed or one of them."),
    config::directive<&CoreConf::auth_delay, &config::time_ms>("auth_delay", scopes::kHttpServerLocation, {1, 1}, "time",
        "How long an answer 401 is held back, against guessing."),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Access, .enabled = has_access_rules, .run = check}};

}  // namespace

extern const Feature access;
const Feature access{.name = "access", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
