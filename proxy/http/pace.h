// How fast a response may leave: limit_rate, limit_rate_after, `$limit_rate`, X-Accel-Limit-Rate.
#pragma once

#include <chrono>
#include <cstdint>

#include "http/exchange.h"

namespace weir::http {

class Pace {
 public:
  /// Evaluates the settings. Time counts from now.
  explicit Pace(Exchange& exchange);

  bool is_limited() const { return rate_ != 0; }
  /// How many octets may leave at `now`, when `sent` left already; 0: wait for `delay` first.
  std::uint64_t allowance(std::uint64_t sent, std::chrono::steady_clock::time_point now);
  std::chrono::milliseconds delay() const { return delay_; }

 private:
  std::uint64_t rate_ = 0, after_ = 0;  // octets per second; octets
  std::chrono::steady_clock::time_point began_;
  std::chrono::milliseconds delay_{0};
};

}  // namespace weir::http
