// limit_conn: requests above the limit (shared/limit_conn.h) are refused.
#include "shared/limit_conn.h"

#include "features/scopes.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

PhaseResult limit_connections(Exchange& exchange) {
  if (exchange.is_subrequest || admit_connection(exchange)) return PhaseResult::next();
  exchange.count_refusal(Refusal::LimitConnections);
  return PhaseResult::respond(connection_refusal_status(exchange.settings()));
}

constexpr VariableSpec kVariables[] = {{"limit_conn_status", limit_conn_status}};
constexpr PhaseHandler kHandlers[] = {
    {.phase = Phase::PreAccess, .enabled = has_connection_limits, .run = limit_connections}};

}  // namespace

extern const Feature limit_conn;
const Feature limit_conn{.name = "limit_conn", .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::http
