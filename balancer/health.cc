#include <weir/balancer/health.h>

#include <algorithm>

namespace weir::balancer {
namespace {

Clock::rep ticks(TimePoint at) noexcept {
  return at.time_since_epoch().count();
}

}  // namespace

void Health::configure(std::uint32_t max_fails, std::chrono::milliseconds fail_timeout) noexcept {
  // Some ten years: far enough, and adding it to a time cannot overflow.
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(100'000);
  const std::chrono::milliseconds rest = std::min(std::max(fail_timeout, std::chrono::milliseconds(0)), kLongest);
  fail_timeout_.store(std::chrono::duration_cast<Clock::duration>(rest).count(), std::memory_order_relaxed);
  max_fails_.store(max_fails, std::memory_order_relaxed);
}

Health::Admission Health::admit_after_failures(TimePoint now) noexcept {
  Clock::rep seen = checked_.load(std::memory_order_relaxed);
  if (ticks(now) - seen >= fail_timeout_.load(std::memory_order_relaxed) &&
      checked_.compare_exchange_strong(seen, ticks(now))) {
    return Admission::Check;
  }
  return is_marked() ? Admission::Refused : Admission::Ordinary;
}

void Health::begin_check(TimePoint now) noexcept {
  checked_.store(ticks(now), std::memory_order_relaxed);
}

bool Health::failed(TimePoint now) noexcept {
  if (max_fails_.load(std::memory_order_relaxed) == 0) return false;
  checked_.store(ticks(now), std::memory_order_relaxed);
  fails_.fetch_add(1, std::memory_order_acq_rel);
  return is_marked();
}

bool Health::mark(TimePoint now) noexcept {
  const std::uint32_t max_fails = max_fails_.load(std::memory_order_relaxed);
  if (max_fails == 0) return false;
  checked_.store(ticks(now), std::memory_order_relaxed);
  std::uint32_t seen = fails_.load(std::memory_order_relaxed);
  while (seen < max_fails && !fails_.compare_exchange_weak(seen, max_fails, std::memory_order_acq_rel)) {
  }
  return is_marked();
}

bool Health::is_marked() const noexcept {
  const std::uint32_t max_fails = max_fails_.load(std::memory_order_relaxed);
  return max_fails != 0 && fails_.load(std::memory_order_acquire) >= max_fails;
}

TimePoint Health::check_due() const noexcept {
  return last_checked() + Clock::duration(fail_timeout_.load(std::memory_order_relaxed));
}

TimePoint Health::last_checked() const noexcept {
  return TimePoint(Clock::duration(checked_.load(std::memory_order_relaxed)));
}

}  // namespace weir::balancer
