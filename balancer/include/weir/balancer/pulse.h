// How soon a backend begins to answer, as its own past shows; so that one that hangs is noticed long before any time
// limit is over.
//
// Thread safety: everything may be called from any thread at once. Of two that report at the same moment one sample may
// be lost.
#pragma once

#include <weir/balancer/member.h>

#include <atomic>
#include <cstdint>

namespace weir::balancer {

class Pulse {
 public:
  /// Notes that the answer to a request sent at `sent` began at `now`.
  void beat(TimePoint sent, TimePoint now) noexcept;

  /// How long silence is nothing unusual: four times the mean time to the first octet and its mean deviation, at least
  /// 100 ms. Duration::max() as long as too little is known.
  Clock::duration patience() const noexcept;

  /// From when on silence is unusual for a request sent at `sent`: `patience` after that, or after the backend last
  /// began to answer anyone. TimePoint::max() as long as too little is known.
  TimePoint overdue_from(TimePoint sent) const noexcept;

  /// When the backend last began to answer anyone; the clock's epoch if never.
  TimePoint last() const noexcept { return TimePoint(Clock::duration(last_.load(std::memory_order_relaxed))); }

  /// How many requests were reported overdue since the last answer to anyone.
  std::uint32_t overdue() const noexcept { return overdue_.load(std::memory_order_relaxed); }
  /// Reports a request that is; says how many there are now.
  std::uint32_t note_overdue() noexcept { return overdue_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  std::atomic<Clock::rep> last_{0};          // beat, since the clock's epoch
  std::atomic<std::uint32_t> mean_{0};       // microseconds
  std::atomic<std::uint32_t> deviation_{0};  // microseconds
  std::atomic<std::uint32_t> beats_{0};      // up to kEnough
  std::atomic<std::uint32_t> overdue_{0};    // since the last beat
};

}  // namespace weir::balancer
