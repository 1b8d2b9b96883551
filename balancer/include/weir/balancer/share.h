// The part of its weight that a backend gets for a time: less while it warms up, and while it answers with errors.
//
// Errors: each raises the rate by a fifth of what is left to 1, each success lowers it by a fifth, and it falls to 1/e
// within ten seconds by itself. Up to one error in five costs nothing; beyond that the share falls with the square, so
// that a backend that fails fast, and is therefore always idle, draws next to nothing. It is never left alone, though:
// 1 request in 256 still goes there, which is how it comes back.
//
// Thread safety: everything may be called from any thread at once. Nothing waits.
#pragma once

#include <weir/balancer/member.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir::balancer {

class Share {
 public:
  /// The parts, each greater than 0 and at most 1, as last computed.
  float warmth() const noexcept { return warmth_.load(std::memory_order_relaxed); }
  float by_errors() const noexcept { return by_errors_.load(std::memory_order_relaxed); }
  float all() const noexcept { return warmth() * by_errors(); }

  void configure(std::chrono::milliseconds slow_start) noexcept {
    slow_start_.store(slow_start.count(), std::memory_order_relaxed);
  }

  /// The backend joins or comes back. It counts from the next `compute`, since who calls this may have no clock.
  void begin_warming() noexcept;
  bool is_warming() const noexcept { return warming_since_.load(std::memory_order_relaxed) != kWarm; }

  void note_error(TimePoint now) noexcept;
  /// Returns whether there was anything to forget.
  bool note_success(TimePoint now) noexcept;
  void forget_errors() noexcept { errors_.store(0, std::memory_order_relaxed); }

  /// Computes the parts for `now`. `all_warm`: the whole group warms up, so nobody is spared.
  void compute(TimePoint now, bool all_warm) noexcept;

  /// Whether another request may go to a backend whose part is `part`: of many calls this part says yes, evenly.
  bool take(float part) noexcept;

 private:
  static constexpr Clock::rep kWarm = -1;
  static constexpr Clock::rep kBegins = -2;

  std::atomic<float> warmth_{1}, by_errors_{1};
  std::atomic<std::uint64_t> errors_{0};  // the rate as a float, and when, in ms
  std::atomic<Clock::rep> warming_since_{kWarm};
  std::atomic<std::chrono::milliseconds::rep> slow_start_{0};
  std::atomic<std::uint32_t> credit_{0};
};

}  // namespace weir::balancer
