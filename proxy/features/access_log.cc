// access_log: a line for each request (shared/access_log.h).
#include "shared/access_log.h"

#include "features/scopes.h"
#include "http/exchange.h"
#include "http/file_path.h"

namespace weir::http {

namespace {

/// A log whose path the request decides exists only if the request's root does, so that requests for made-up hosts do
/// not create files (as nginx documents).
bool has_root(Context& context) {
  int error = 0;
  return kind_of(document_root(static_cast<Exchange&>(context)), error) == PathKind::Directory;
}

PhaseResult log_request(Exchange& exchange) {
  write_access_logs(exchange, has_root);
  return PhaseResult::next();
}

void finish(config::Settings& settings, Loader& loader) {
  add_default_access_log(settings, loader, loader.full_path("logs/access.log"));
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Log, .enabled = has_access_logs, .run = log_request}};

}  // namespace

extern const Feature access_log;
const Feature access_log{.name = "access_log", .handlers = kHandlers, .finish = finish};

}  // namespace weir::http
