// Asks the servers of upstreams whether they work: in regular intervals, and at once when a request to one failed.
//
// One thread with a loop of its own for all of them, started with the first. What is found goes to the balancer as a
// veto, which all workers heed. Servers are found in the upstream's membership, so it does not matter where they come
// from.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <weir/balancer/upstream.h>

#include "shared/backend_monitor.h"
#include "shared/health_check.h"
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
    virtual const shared::HealthCheck& check() const = 0;
  };

  /// Begins to check the members of `upstream`.
  std::shared_ptr<Group> begin(std::shared_ptr<balancer::Upstream> upstream, shared::HealthCheck check,
                               std::shared_ptr<log::ErrorLog> error_log);

 private:
  void finish();

  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
};

}  // namespace weir::server
