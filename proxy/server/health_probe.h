// One health check of one server.
#pragma once

#include <string>

#include "shared/health_check.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/task.h"

namespace weir::server {

/// Asks the server at `endpoint` once. Returns why it does not work; empty: it does. `check` must live as long.
net::Task<std::string> probe(net::Loop& loop, net::Endpoint endpoint, const shared::HealthCheck& check,
                             std::chrono::milliseconds limit);

}  // namespace weir::server
