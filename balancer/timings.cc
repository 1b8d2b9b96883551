#include <weir/balancer/timings.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::balancer {
namespace {

constexpr float kPeakMemory = 10'000;  // ms in which an old peak falls to 1/e

float milliseconds_of(Clock::duration time) noexcept {
  return std::chrono::duration_cast<Timings::Milliseconds>(time).count();
}

// Sums and differences of these wrap around and still come out right.
std::uint64_t microseconds_at(TimePoint at) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count());
}
std::uint32_t milliseconds_at(TimePoint at) noexcept {
  return static_cast<std::uint32_t>(microseconds_at(at) / 1000);
}

void average(std::atomic<float>& into, float sample) noexcept {
  const float before = into.load(std::memory_order_relaxed);
  into.store(before == 0 ? sample : before * 0.95F + sample * 0.05F, std::memory_order_relaxed);
}

struct Peak {
  float value = 0;
  std::uint32_t at = 0;

  static Peak of(std::uint64_t packed) noexcept {
    return {std::bit_cast<float>(static_cast<std::uint32_t>(packed >> 32)), static_cast<std::uint32_t>(packed)};
  }
  std::uint64_t packed() const noexcept { return std::uint64_t{std::bit_cast<std::uint32_t>(value)} << 32 | at; }
  float kept(std::uint32_t now) const noexcept {
    const auto passed = static_cast<std::int32_t>(now - at);  // a clock read on another thread may be behind
    return std::exp(-static_cast<float>(std::max(passed, 0)) / kPeakMemory);
  }
};

}  // namespace

Timings::Milliseconds Timings::peak(TimePoint now) const noexcept {
  const Peak peak = Peak::of(peak_.load(std::memory_order_relaxed));
  return Milliseconds(peak.value == 0 ? 0 : peak.value * peak.kept(milliseconds_at(now)));
}

Timings::Milliseconds Timings::age_of_running(TimePoint now) const noexcept {
  const std::uint32_t running = running_.load(std::memory_order_relaxed);
  if (running == 0) return Milliseconds(0);
  const std::uint64_t sum = running * microseconds_at(now) - running_began_.load(std::memory_order_relaxed);
  // The two are not read at one moment, so the sum may be off by a request: never below nothing.
  return Milliseconds(static_cast<float>(std::max<std::int64_t>(static_cast<std::int64_t>(sum), 0)) / 1000 /
                      static_cast<float>(running));
}

void Timings::record(TimePoint began, TimePoint first_byte, TimePoint now) noexcept {
  average(last_byte_, milliseconds_of(now - began));
  if (first_byte >= began) average(first_byte_, milliseconds_of(first_byte - began));
  sampled_.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  record_peak((first_byte >= began ? first_byte : now) - began, now);
}

void Timings::record_peak(Clock::duration took, TimePoint now) noexcept {
  const std::uint32_t at = milliseconds_at(now);
  const float sample = milliseconds_of(took);
  Peak peak = Peak::of(peak_.load(std::memory_order_relaxed));
  const float kept = peak.kept(at);
  peak.value = sample >= peak.value ? sample : peak.value * kept + sample * (1 - kept);
  peak.at = at;
  peak_.store(peak.packed(), std::memory_order_relaxed);
}

void Timings::begin(TimePoint now) noexcept {
  running_began_.fetch_add(microseconds_at(now), std::memory_order_relaxed);
  running_.fetch_add(1, std::memory_order_relaxed);
}

void Timings::end(TimePoint began) noexcept {
  running_.fetch_sub(1, std::memory_order_relaxed);
  running_began_.fetch_sub(microseconds_at(began), std::memory_order_relaxed);
}

}  // namespace weir::balancer
