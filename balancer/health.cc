#include <weir/balancer/health.h>

#include <algorithm>
#include <limits>

namespace weir::balancer {
namespace {

constexpr Clock::rep kNever = std::numeric_limits<Clock::rep>::min();

Clock::rep ticks(TimePoint at) noexcept {
  return at.time_since_epoch().count();
}

}  // namespace

Health::Health() noexcept {
  for (std::atomic<Clock::rep>& at : kept_) at.store(kNever, std::memory_order_relaxed);
}

void Health::configure(std::uint32_t max_fails, std::chrono::milliseconds fail_timeout) noexcept {
  // Some ten years: far enough, and adding it to a time cannot overflow.
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(100'000);
  const std::chrono::milliseconds rest = std::min(std::max(fail_timeout, std::chrono::milliseconds(0)), kLongest);
  fail_timeout_.store(std::chrono::duration_cast<Clock::duration>(rest).count(), std::memory_order_relaxed);
  max_fails_.store(max_fails, std::memory_order_relaxed);
  if (max_fails == 0) marked_.store(false, std::memory_order_release);
}

Health::Admission Health::admit_marked(TimePoint now) noexcept {
  Clock::rep seen = checked_.load(std::memory_order_relaxed);
  if (ticks(now) - seen >= fail_timeout_.load(std::memory_order_relaxed) &&
      checked_.compare_exchange_strong(seen, ticks(now))) {
    return Admission::Check;
  }
  return Admission::Refused;
}

void Health::begin_check(TimePoint now) noexcept {
  checked_.store(ticks(now), std::memory_order_relaxed);
}

bool Health::failed(TimePoint now) noexcept {
  const std::uint32_t most = max_fails_.load(std::memory_order_relaxed);
  if (most == 0) return false;
  checked_.store(ticks(now), std::memory_order_relaxed);
  const std::uint32_t number = fails_.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t batch = (most - 1) / kMostKept + 1;
  if (number % batch != batch - 1) return is_marked();
  const std::uint32_t batches = (most - 1) / batch + 1;
  const std::uint32_t place = number / batch;
  kept_[place % kMostKept].store(ticks(now), std::memory_order_relaxed);
  const Clock::rep first = kept_[(place - (batches - 1)) % kMostKept].load(std::memory_order_relaxed);
  if (first != kNever && (batches == 1 || ticks(now) - first < fail_timeout_.load(std::memory_order_relaxed))) {
    marked_.store(true, std::memory_order_release);
  }
  return is_marked();
}

bool Health::mark(TimePoint now) noexcept {
  if (max_fails_.load(std::memory_order_relaxed) == 0) return false;
  checked_.store(ticks(now), std::memory_order_relaxed);
  marked_.store(true, std::memory_order_release);
  return true;
}

void Health::recovered() noexcept {
  for (std::atomic<Clock::rep>& at : kept_) at.store(kNever, std::memory_order_relaxed);
  marked_.store(false, std::memory_order_release);
}

TimePoint Health::check_due() const noexcept {
  return last_checked() + Clock::duration(fail_timeout_.load(std::memory_order_relaxed));
}

TimePoint Health::last_checked() const noexcept {
  return TimePoint(Clock::duration(checked_.load(std::memory_order_relaxed)));
}

}  // namespace weir::balancer
