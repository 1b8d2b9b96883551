#include <weir/balancer/share.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::balancer {
namespace {

constexpr float kStep = 0.2F;         // by how much one answer moves the rate of errors
constexpr float kMemory = 10'000;     // ms in which an old rate falls to 1/e
constexpr float kLeast = 1.0F / 256;  // of any part
constexpr float kForgotten = 0.01F;

struct Errors {
  float rate;
  std::uint32_t at;  // ms

  static Errors of(std::uint64_t packed, TimePoint now) noexcept {
    Errors errors{std::bit_cast<float>(static_cast<std::uint32_t>(packed >> 32)), milliseconds_at(now)};
    const auto passed = static_cast<std::int32_t>(errors.at - static_cast<std::uint32_t>(packed));
    if (errors.rate > 0 && passed > 0) errors.rate *= std::exp(-static_cast<float>(passed) / kMemory);
    return errors;
  }
  std::uint64_t packed() const noexcept {
    return rate < kForgotten ? 0 : std::uint64_t{std::bit_cast<std::uint32_t>(rate)} << 32 | at;
  }
  static std::uint32_t milliseconds_at(TimePoint at) noexcept {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
  }
};

}  // namespace

void Share::begin_warming() noexcept {
  if (slow_start_.load(std::memory_order_relaxed) > 0) warming_since_.store(kBegins, std::memory_order_relaxed);
}

void Share::note_error(TimePoint now) noexcept {
  std::uint64_t seen = errors_.load(std::memory_order_relaxed);
  Errors errors{};
  do {
    errors = Errors::of(seen, now);
    errors.rate += (1 - errors.rate) * kStep;
  } while (!errors_.compare_exchange_weak(seen, errors.packed(), std::memory_order_relaxed));
}

bool Share::note_success(TimePoint now) noexcept {
  std::uint64_t seen = errors_.load(std::memory_order_relaxed);
  while (seen != 0) {
    Errors errors = Errors::of(seen, now);
    errors.rate *= 1 - kStep;
    if (errors_.compare_exchange_weak(seen, errors.packed(), std::memory_order_relaxed)) return true;
  }
  return false;
}

void Share::compute(TimePoint now, bool all_warm) noexcept {
  const float rate = Errors::of(errors_.load(std::memory_order_relaxed), now).rate;
  const float good = std::min(1.0F, (1 - rate) / (1 - kStep));
  by_errors_.store(std::max(good * good, kLeast), std::memory_order_relaxed);

  Clock::rep since = warming_since_.load(std::memory_order_relaxed);
  if (since == kBegins && warming_since_.compare_exchange_strong(since, now.time_since_epoch().count())) {
    since = now.time_since_epoch().count();
  }
  float warmth = 1;
  if (since != kWarm) {
    using Milliseconds = std::chrono::duration<float, std::milli>;
    const Milliseconds passed = now - TimePoint(Clock::duration(since));
    const auto whole = static_cast<float>(slow_start_.load(std::memory_order_relaxed));
    if (passed.count() >= whole) {
      warming_since_.compare_exchange_strong(since, kWarm);
    } else if (!all_warm) {
      warmth = std::max(passed.count() / whole, kLeast);
    }
  }
  warmth_.store(warmth, std::memory_order_relaxed);
}

bool Share::take(float part) noexcept {
  if (part >= 1) return true;
  const auto step = static_cast<std::uint32_t>(part * 4294967296.0F);
  const std::uint32_t before = credit_.fetch_add(step, std::memory_order_relaxed);
  return before + step < before;  // it wrapped around: a whole request is saved up
}

}  // namespace weir::balancer
