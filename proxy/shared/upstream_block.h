// An `upstream { … }` block, or the group that a `proxy_pass http://address` makes by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/balancer/upstream.h>

#include "config/setting.h"
#include "config/settings.h"
#include "config/statement.h"
#include "shared/backend_monitor.h"
#include "shared/health_check.h"
#include "shared/retry_budget.h"
#include "shared/sticky.h"
#include "shared/variable.h"

namespace weir::shared {

/// A `server` line whose host may be a name.
struct ServerLine {
  std::string host;  // as written; `unix:/path` whole
  std::uint16_t port = 80;
  balancer::Member member;  // everything but the address
  config::Position at;
  bool resolves = false;  // `resolve`: the name is asked for again and again while serving
  std::string service{};  // `service=`
};

struct UpstreamBlock {
  std::string name;
  std::uint32_t index = 0;  // among the upstreams of this configuration
  bool is_implicit = false;
  bool discovers = false;  // a registry announces members, too
  bool method_given = false;
  const balancer::PickerSpec* method = nullptr;
  Template key;                 // what a method that hashes maps a request by
  bool key_is_address = false;  // `ip_hash`: of `key`, what its method takes of an address
  bool timed_by_connect = false;  // of sessions: methods that go by time take the connection for the answer
  std::optional<Sticky> sticky;
  std::uint64_t queue = 0;  // requests that may wait when all servers are full; 0: none does
  std::chrono::milliseconds queue_timeout{60'000};
  config::Settings settings;
  std::vector<ServerLine> servers;
  config::Position at;

  std::vector<HealthCheck> health_checks;
  /// Of the first scope whose proxy_pass leads here; null: none does, or with variables.
  const config::Settings* passed_from = nullptr;
  RetryBudget retries;
  /// Told about failures, if there are health checks; set with `group`.
  std::shared_ptr<BackendMonitor> monitor;
  /// The live group: kept through reloads by name, set before the configuration is published.
  std::shared_ptr<balancer::Upstream> group;
};

/// Settings inside `upstream` that concern connections.
struct UpstreamConf {
  config::Setting<std::uint64_t> keepalive{32};  // idle connections kept by each worker; 0: none
  config::Setting<std::uint64_t> keepalive_requests{1000};
  config::Setting<std::chrono::milliseconds> keepalive_timeout{std::chrono::milliseconds(60'000)};
  config::Setting<std::chrono::milliseconds> keepalive_time{std::chrono::milliseconds(3'600'000)};
  config::Setting<RetryLimit> retry_limit;
  config::Setting<bool> hang_detection{true};
  config::Setting<std::string> local_zone;  // where this proxy stands; empty: the zones of servers do not matter
};

}  // namespace weir::shared
