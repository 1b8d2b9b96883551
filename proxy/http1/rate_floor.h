// The least that a peer has to bring, or to take, while it is waited for.
//
// Only the time spent waiting counts, so neither a slow backend nor a pause that Weir makes itself is blamed on a client.
#pragma once

#include <chrono>
#include <cstdint>

#include "net/timers.h"

namespace weir::http1 {

class RateFloor {
 public:
  using Duration = net::TimePoint::duration;

  /// One wait began at `from` and ends `now`, and `octets` have moved in all. Once the waits add up to `window` the rate
  /// over them is judged and a new window begins. Returns false if it was below `least` octets a second (0: no floor).
  bool holds(net::TimePoint from, net::TimePoint now, std::uint64_t octets, std::uint64_t least, Duration window) {
    waited_ += now - from;
    if (waited_ < window) return true;
    const double seconds = std::chrono::duration<double>(waited_).count();
    const bool enough = static_cast<double>(octets - octets_before_) >= static_cast<double>(least) * seconds;
    waited_ = Duration(0);
    octets_before_ = octets;
    return enough || least == 0;
  }

 private:
  Duration waited_{0};               // in this window
  std::uint64_t octets_before_ = 0;  // that had moved when it began
};

}  // namespace weir::http1
