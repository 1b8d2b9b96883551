// One health check of one server.
#pragma once

#include <string>

#include "http/health_check.h"
#include "shared/health_check.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/task.h"

namespace weir::server {

/// Asks the server at `endpoint` once. Returns why it does not work; empty: it does. `judge`: of checks of HTTP with a match
/// block. What is referred to must live as long.
net::Task<std::string> probe(net::Loop& loop, net::Endpoint endpoint, const shared::HealthCheck& check,
                             http::HealthJudge* judge);

}  // namespace weir::server
