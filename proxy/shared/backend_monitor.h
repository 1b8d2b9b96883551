// Who is told about backends that fail while they serve: the health checks, which then look at once.
#pragma once

#include <weir/balancer/backend.h>

namespace weir::shared {

/// Thread safety: told from all workers at once. Must not wait.
class BackendMonitor {
 public:
  virtual ~BackendMonitor() = default;
  /// A request found that `backend` does not work.
  virtual void suspect(const balancer::Backend& backend) noexcept = 0;
};

}  // namespace weir::shared
