// limit_conn: sessions above the limit (shared/limit_conn.h) are closed.
#include "shared/limit_conn.h"

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

PhaseResult limit_sessions(Session& session) {
  return admit_connection(session) ? PhaseResult::next() : PhaseResult::end(status::kUnavailable);
}

constexpr VariableSpec kVariables[] = {{"limit_conn_status", limit_conn_status}};
constexpr PhaseHandler kHandlers[] = {
    {.phase = Phase::PreAccess, .enabled = has_connection_limits, .run = limit_sessions}};

}  // namespace

extern const Feature limit_conn;
const Feature limit_conn{.name = "limit_conn", .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::stream
