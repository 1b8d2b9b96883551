// How long one backend takes to answer: averages, and the age of what is under way.
//
// Thread safety: everything may be called from any thread at once. Of two samples reported at the very same moment one
// may be lost, which an average survives; nothing waits.
#pragma once

#include <weir/balancer/member.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir::balancer {

/// Until when a request counts as running, for methods that ask how long requests have been.
enum class Running : std::uint8_t { Untimed, UntilFirstByte, UntilEnd };

class Timings {
 public:
  using Milliseconds = std::chrono::duration<float, std::milli>;

  /// The average time to the first byte of an answer, and to its last; 0 before the first sample. A sample counts 5 %.
  /// Source: nginx's `least_time`.
  Milliseconds first_byte() const noexcept { return Milliseconds(first_byte_.load(std::memory_order_relaxed)); }
  Milliseconds last_byte() const noexcept { return Milliseconds(last_byte_.load(std::memory_order_relaxed)); }

  /// When the latest request of which there is a sample began; the clock's epoch if there is none.
  TimePoint sampled() const noexcept {
    return TimePoint(Clock::duration(sampled_.load(std::memory_order_relaxed)));
  }

  /// An average that follows a rise at once and a fall slowly (half of it in 7 s). Source: Finagle's peak EWMA.
  Milliseconds peak(TimePoint now) const noexcept;

  /// How old the requests are that run now, on average; 0 if there is none. Known if the method asked for it.
  Milliseconds age_of_running(TimePoint now) const noexcept;

 private:
  friend class Backend;
  friend class Lease;

  void record(TimePoint began, TimePoint first_byte, TimePoint now) noexcept;
  void record_peak(Clock::duration took, TimePoint now) noexcept;
  void begin(TimePoint now) noexcept;
  void end(TimePoint began) noexcept;

  std::atomic<float> first_byte_{0}, last_byte_{0};  // ms
  std::atomic<Clock::rep> sampled_{0};
  std::atomic<std::uint64_t> peak_{0};           // ms as a float, and when, in ms
  std::atomic<std::uint64_t> running_began_{0};  // the sum of when they began, in µs
  std::atomic<std::uint32_t> running_{0};
};

}  // namespace weir::balancer
