// access: whom allow and deny (shared/access_rules.h) let pass.
#include "shared/access_rules.h"

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

PhaseResult check(Session& session) {
  const std::optional<bool> allowed = session.conf<AccessConf>().judge(session.client_address());
  if (!allowed) return PhaseResult::next();
  if (*allowed) return PhaseResult::allowed();
  log::error(session.error_log(), session, "access forbidden by rule");
  return PhaseResult::end(status::kForbidden);
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Access, .enabled = has_access_rules, .run = check}};

}  // namespace

extern const Feature access;
const Feature access{.name = "access", .handlers = kHandlers};

}  // namespace weir::stream
