// Methods that take the backend that costs least, of all that can be had; of equals, whose turn it is. A backend costs its
// time for each request it would then have, per unit of weight. They look at each backend: unlike least_conn's loads, times
// change by themselves as they pass, so there is no order of them to keep.
#pragma once

#include <weir/balancer/picker.h>

#include <limits>

#include "pickers/lane_scan.h"
#include "pickers/lanes.h"

namespace weir::balancer {

class LeastCost {
 public:
  explicit LeastCost(const Backends& backends) : lanes_(backends), turns_(lanes_.make_turns(backends)) {}

  /// `time_of`: a backend's time, in any unit; not negative.
  template <class TimeOf>
  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request, TimeOf time_of) const {
    const std::optional<std::size_t> place = take_leader(turns_, [&](Leader& leader) {
      std::size_t base = 0;
      for (const Lanes::Group& group : lanes_.groups()) {
        std::uint64_t open = open_lanes(*group.block, group.untried(request));
        for (; open != 0; open &= open - 1) {
          const auto lane = static_cast<std::uint32_t>(std::countr_zero(open));
          // Not asked of the backend: one of thousands, whose memory is far away.
          const std::uint32_t claims = group.block->words.cells[lane].load(std::memory_order_relaxed) & kMaxCount;
          const float time = time_of(backends[group.index[lane]]);
          const float cost = time * static_cast<float>(claims + 1) / group.block->weight(lane);
          leader.offer(std::bit_cast<std::uint32_t>(cost), base, 1ULL << lane, turns_);
        }
        base += kLanes;
      }
    });
    if (!place) return std::nullopt;
    return lanes_.index_at(*place);
  }

 private:
  const Lanes lanes_;
  mutable Turns turns_;
};

}  // namespace weir::balancer
