#include "pickers/round_robin.h"

#include "pickers/lane_scan.h"

namespace weir::balancer {

std::unique_ptr<const Picker> RoundRobin::make(const Backends& backends) {
  return std::make_unique<RoundRobin>(backends);
}

RoundRobin::RoundRobin(const Backends& backends) : lanes_(backends), turns_(lanes_.make_turns(backends)) {}

std::optional<std::size_t> RoundRobin::pick(const Backends&, const PickRequest& request) const {
  for (;;) {
    const std::optional<Turns::Turn> turn = next_turn(request);
    if (!turn) return std::nullopt;
    // If another thread was faster, it has the turn and we look for the next one.
    if (turns_.take(*turn)) return lanes_.index_at(turn->item);
  }
}

std::optional<Turns::Turn> RoundRobin::next_turn(const PickRequest& request) const noexcept {
  // Mostly the one whose turn it is can go, and nobody else need be looked at.
  if (const std::optional<Turns::Turn> due = turns_.due()) {
    const Lanes::Group& group = lanes_.groups()[due->item / kLanes];
    if (open_lanes(*group.block, group.untried(request) & (1ULL << due->item % kLanes)) != 0) return due;
  }
  Leader leader;
  std::size_t base = 0;
  for (const Lanes::Group& group : lanes_.groups()) {
    leader.offer(0, base, open_lanes(*group.block, group.untried(request)), turns_);
    base += kLanes;
  }
  if (leader.value() != 0) return std::nullopt;
  return leader.first(turns_);
}

}  // namespace weir::balancer
