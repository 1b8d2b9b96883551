#include "pickers/least_time.h"

#include <algorithm>
#include <cmath>

namespace weir::balancer {
namespace {

constexpr float kStep = 20, kMost = 5000;  // ms

}  // namespace

std::optional<std::size_t> LeastTime::pick(const Backends& backends, const PickRequest& request) const {
  return costs_.pick(backends, request, [&](const Backend& backend) { return time_of(backend, request.now); });
}

float LeastTime::time_of(const Backend& backend, TimePoint now) const noexcept {
  const Timings& timings = backend.timings();
  float time = (until_ == Until::FirstByte ? timings.first_byte() : timings.last_byte()).count();
  if (time > 0) {
    const Clock::duration age = now - timings.sampled(), half_life = backend.health().fail_timeout() + std::chrono::seconds(1);
    if (age >= half_life) time = std::ldexp(time, -static_cast<int>(std::min<Clock::rep>(age / half_life, 64)));
  }
  time = std::max(time, timings.age_of_running(now).count());
  return time > kMost ? kMost : static_cast<float>(static_cast<int>(time / kStep) + 1) * kStep;
}

}  // namespace weir::balancer
