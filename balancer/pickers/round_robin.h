// round_robin: take turns, in proportion to weight, smoothly. On one thread the very sequence of nginx.
#pragma once

#include <weir/balancer/picker.h>

#include "pickers/lanes.h"

namespace weir::balancer {

class RoundRobin final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends& backends);
  explicit RoundRobin(const Backends& backends);

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  std::optional<Turns::Turn> next_turn(const PickRequest& request) const noexcept;

  const Lanes lanes_;
  mutable Turns turns_;
};

}  // namespace weir::balancer
