// least_time: the backend that is expected to be done first: its average time, for each request it would then have, per
// unit of weight. Times are compared in steps of 20 ms, all above 5 s are alike, and the average of a backend that gets
// nothing is halved each fail_timeout, so that it is tried again. With `inflight`, requests under way count as soon as
// they take longer than the average. Source: nginx's `least_time`.
#pragma once

#include "pickers/least_cost.h"

namespace weir::balancer {

class LeastTime final : public Picker {
 public:
  enum class Until : std::uint8_t { FirstByte, LastByte };

  template <Until until>
  static std::unique_ptr<const Picker> make(const Backends& backends) {
    return std::make_unique<LeastTime>(backends, until);
  }
  LeastTime(const Backends& backends, Until until) : until_(until), costs_(backends) {}

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  float time_of(const Backend& backend, TimePoint now) const noexcept;

  const Until until_;
  const LeastCost costs_;
};

}  // namespace weir::balancer
