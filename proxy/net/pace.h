// A rate in bytes a second.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "net/timers.h"

namespace weir::net {

/// How much may be read at a rate. As in nginx, the first second's worth is there at once.
class Pace {
 public:
  Pace(std::uint64_t rate, TimePoint began) : rate_(std::min<std::uint64_t>(rate, 1ull << 40)), began_(began) {}

  bool is_limited() const { return rate_ != 0; }
  /// How many bytes may be read at `now`, if `read` were; 0: wait for `delay` first.
  std::size_t allowance(std::uint64_t read, TimePoint now) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count();
    const auto seconds = static_cast<std::uint64_t>(passed) / 1000;
    const std::uint64_t due = rate_ * (seconds + 1);
    if (due > read) return static_cast<std::size_t>(due - read);
    delay_ = std::chrono::milliseconds((read - due) * 1000 / rate_ + 1);
    return 0;
  }
  std::chrono::milliseconds delay() const { return std::min(delay_, kNap); }

 private:
  // A limit makes nobody sleep longer at a time, so that the end of what waits is noticed.
  static constexpr std::chrono::milliseconds kNap{250};

  const std::uint64_t rate_;
  const TimePoint began_;
  std::chrono::milliseconds delay_{0};
};

}  // namespace weir::net
