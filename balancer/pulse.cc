#include <weir/balancer/pulse.h>

#include <algorithm>

namespace weir::balancer {
namespace {

constexpr std::uint32_t kEnough = 16;  // samples
constexpr std::int64_t kShare = 16;    // of the past, in the means
constexpr Clock::duration kLeastPatience = std::chrono::milliseconds(100);
constexpr std::int64_t kMost = 60'000'000;  // microseconds

}  // namespace

void Pulse::beat(TimePoint sent, TimePoint now) noexcept {
  last_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (overdue_.load(std::memory_order_relaxed) != 0) overdue_.store(0, std::memory_order_relaxed);
  std::int64_t sample = std::chrono::duration_cast<std::chrono::microseconds>(now - sent).count();
  sample = std::clamp<std::int64_t>(sample, 0, kMost);
  const std::uint32_t beats = beats_.load(std::memory_order_relaxed);
  std::int64_t mean = mean_.load(std::memory_order_relaxed);
  std::int64_t deviation = deviation_.load(std::memory_order_relaxed);
  if (beats == 0) {
    mean = sample;
    deviation = sample / 2;
  } else {
    // The answers that come when a hang ends say little about what is usual.
    if (beats >= kEnough)
      sample = std::min<std::int64_t>(sample, std::chrono::duration_cast<std::chrono::microseconds>(patience()).count());
    const std::int64_t off = sample - mean;
    mean += off / kShare;
    deviation += ((off < 0 ? -off : off) - deviation) / kShare;
  }
  mean_.store(static_cast<std::uint32_t>(mean), std::memory_order_relaxed);
  deviation_.store(static_cast<std::uint32_t>(deviation), std::memory_order_relaxed);
  if (beats < kEnough) beats_.store(beats + 1, std::memory_order_relaxed);
}

Clock::duration Pulse::patience() const noexcept {
  if (beats_.load(std::memory_order_relaxed) < kEnough) return Clock::duration::max();
  const std::chrono::microseconds usual(std::uint64_t{4} * mean_.load(std::memory_order_relaxed) +
                                        std::uint64_t{4} * deviation_.load(std::memory_order_relaxed));
  return std::max<Clock::duration>(usual, kLeastPatience);
}

TimePoint Pulse::overdue_from(TimePoint sent) const noexcept {
  const Clock::duration wait = patience();
  if (wait == Clock::duration::max()) return TimePoint::max();
  return std::max(sent, last()) + wait;
}

}  // namespace weir::balancer
