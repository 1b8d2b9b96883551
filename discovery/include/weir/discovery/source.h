// Something that announces who the members of an upstream are.
//
// A source announces complete memberships, never differences, so a listener needs no history and a missed
// announcement is repaired by the next one.
#pragma once

#include <weir/balancer/members.h>

#include <functional>

namespace weir::discovery {

/// Receives a complete membership, sorted by address, each address once.
using Sink = std::function<void(balancer::Members)>;

/// Announces the membership of one upstream.
/// Thread safety: `start` and `stop` may be called from any thread, but not at the same time.
class Source {
 public:
  virtual ~Source() = default;
  /// Begins watching. Calls `sink` on the source's own thread with the complete membership, first once and
  /// then after each change. Contact lost is not a change: the last membership stands.
  virtual void start(Sink sink) = 0;
  /// Stops watching; when it returns, `sink` is not running and will not run again (unless `sink` itself called
  /// `stop`: then it will not run again once it returns). May be called twice, or without `start`.
  virtual void stop() noexcept = 0;
};

}  // namespace weir::discovery
