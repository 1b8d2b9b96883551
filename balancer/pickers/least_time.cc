#include "pickers/least_time.h"

#include <algorithm>
#include <cmath>

namespace weir::balancer {
namespace {

constexpr float kStep = 20, kMost = 5000;  // ms

}  // namespace

std::optional<std::size_t> LeastTime::pick(const Backends& backends, const PickRequest& request) const {
  return costs_.pick(backends, request, [&](const Backend& backend) { return cost_of(backend, request.now); });
}

float LeastTime::cost_of(const Backend& backend, TimePoint now) const noexcept {
  const Timings& timings = backend.timings();
  float time = (until_ == Until::FirstByte ? timings.first_byte() : timings.last_byte()).count();
  if (time > 0) {
    const auto halvings = (now - timings.sampled()) / (backend.health().fail_timeout() + std::chrono::seconds(1));
    time = std::ldexp(time, -static_cast<int>(std::clamp<Clock::rep>(halvings, 0, 64)));
  }
  time = std::max(time, timings.age_of_running(now).count());
  time = time > kMost ? kMost : (std::floor(time / kStep) + 1) * kStep;
  return time * static_cast<float>(backend.active() + 1) / backend.weight_now();
}

}  // namespace weir::balancer
