// access_log: a line for each session (shared/access_log.h). Without the directive there is none.
#include "shared/access_log.h"

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

PhaseResult log_session(Session& session) {
  write_access_logs(session, nullptr);
  return PhaseResult::next();
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Log, .enabled = has_access_logs, .run = log_session}};

}  // namespace

extern const Feature access_log;
const Feature access_log{.name = "access_log", .handlers = kHandlers};

}  // namespace weir::stream
