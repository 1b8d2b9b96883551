// Methods that take the backend for which some cost is least, of all that can be had; of equals, whose turn it is.
// They look at each backend: unlike least_conn's, these costs change by themselves as time passes.
#pragma once

#include <weir/balancer/picker.h>

#include <limits>

#include "pickers/lane_scan.h"
#include "pickers/lanes.h"

namespace weir::balancer {

class LeastCost {
 public:
  explicit LeastCost(const Backends& backends) : lanes_(backends), turns_(lanes_.make_turns(backends)) {}

  /// `cost_of`: a cost per unit of weight, not negative, for a backend.
  template <class CostOf>
  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request, CostOf cost_of) const {
    constexpr int kMostLostTurns = 8;
    for (int lost = 0;; ++lost) {
      Leader leader;
      std::size_t base = 0;
      for (const Lanes::Group& group : lanes_.groups()) {
        std::uint64_t open = open_lanes(*group.block, group.untried(request));
        for (; open != 0; open &= open - 1) {
          const auto lane = static_cast<std::size_t>(std::countr_zero(open));
          const float cost = cost_of(backends[group.index[lane]]);
          leader.offer(std::bit_cast<std::uint32_t>(cost), base, 1ULL << lane, turns_);
        }
        base += kLanes;
      }
      if (leader.value == ~0U) return std::nullopt;
      if (leader.is_alone || turns_.take(leader.turn) || lost == kMostLostTurns) {
        return lanes_.index_at(leader.turn.item);
      }
    }
  }

 private:
  const Lanes lanes_;
  mutable Turns turns_;
};

}  // namespace weir::balancer
