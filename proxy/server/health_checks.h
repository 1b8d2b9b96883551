// Asks the servers of upstreams whether they work: in regular intervals, and at once when a request to one failed.
//
// One thread with a loop of its own for all of them, started with the first. What is found goes to the balancer as a
// veto, which all workers heed. Servers are found in the upstream's membership, so it does not matter where they come
// from. A group may be checked in several ways: a server works if it passes all of them.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <weir/balancer/upstream.h>

#include "shared/backend_monitor.h"
#include "shared/health_check.h"
#include "shared/protocol_config.h"
#include "log/error_log.h"
#include "net/loop.h"

namespace weir::server {

/// Belongs to the control thread.
class HealthChecks {
 public:
  HealthChecks() = default;
  HealthChecks(const HealthChecks&) = delete;
  /// Every group must have been ended.
  ~HealthChecks();

  /// The checks of one upstream. Told of suspects by all workers, of changes by whoever makes them; ended by its owner.
  class Group : public shared::BackendMonitor {
   public:
    /// The membership changed: newcomers are asked at once. Any thread.
    virtual void follow() = 0;
    /// Asks nobody any more. `lift`: the vetoes too; else a group that follows takes them over. Any thread.
    virtual void end(bool lift) = 0;
    virtual const std::vector<shared::HealthCheck>& checks() const = 0;
  };

  /// Begins to check the members of `upstream`, in each way of `checks`, which are of `config`.
  std::shared_ptr<Group> begin(std::shared_ptr<balancer::Upstream> upstream, std::vector<shared::HealthCheck> checks,
                               std::shared_ptr<const shared::ProtocolConfig> config,
                               std::shared_ptr<log::ErrorLog> error_log);

 private:
  void finish();

  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
};

}  // namespace weir::server
