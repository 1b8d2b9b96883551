// least_conn: the backend with the fewest claims per unit of weight, counted over all threads. Of several with as
// few, whose turn it is.
//
// Up to kMostFlatGroups × 64 backends a pick reads all counters. With more it looks for the group with the least
// floor (see board.h) and reads the counters of that group. A floor may be too low, since claims do not raise it;
// then the group turns out to be loaded more, its floor is raised, and the search goes on. So the answer is the same.
#pragma once

#include <weir/balancer/picker.h>

#include "pickers/lane_scan.h"
#include "pickers/lanes.h"

namespace weir::balancer {

class LeastConn final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends& backends);
  explicit LeastConn(const Backends& backends);

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  static constexpr std::size_t kMostFlatGroups = 5;

  /// The floors of up to 64 groups, which are neighbours on the board.
  struct Page {
    const Row* floors;
    std::uint64_t members = 0;                  // a bit for each cell that is the floor of a group of ours
    std::array<std::uint32_t, kLanes> group{};  // which group that is
  };

  /// Whether all of these have the same weight now: whose weight counts in part only is loaded more than its count says.
  bool weigh_the_same(const Lanes::Group& group, std::uint64_t among) const noexcept {
    return weight_ != 0 && (group.block->spared.load(std::memory_order_relaxed) & among) == 0;
  }
  Least least_in(const Lanes::Group& group, std::uint64_t among) const noexcept {
    return weigh_the_same(group, among) ? least_load(*group.block, among, weight_) : least_load(*group.block, among);
  }
  LeastTwo least_two_in(const Lanes::Group& group, std::uint64_t among) const noexcept {
    return weigh_the_same(group, among) ? least_two_loads(*group.block, among, weight_) : least_two_loads(*group.block, among);
  }
  void find_in_all(const PickRequest& request, Leader& leader) const noexcept;
  void find_by_floors(const Backends& backends, Leader& leader) const noexcept;
  /// The least floor, and a cell that has it: the only one, unless several tie.
  struct Lowest {
    Load floor = kNoLoad;
    bool is_tie = false;
    std::size_t cell = 0;
  };
  Lowest lowest_floor() const noexcept;
  /// Which of the groups that have this floor, the least, is next.
  Turns::Turn turn_of(Load floor) const noexcept;
  /// Raises the floor of `group`, unless one of `lanes` is loaded less than that by now.
  void raise_floor(const Lanes::Group& group, std::uint64_t lanes, Load from, Load to) const noexcept;
  /// The same if the only one of the least loaded is about to be claimed.
  void raise_floor_for_claim(const Lanes::Group& group, Load from, const LeastTwo& least) const noexcept;
  static std::vector<Page> pages_of(const Backends& backends, const Lanes& lanes);
  static Turns turns_of(const std::vector<Page>& pages, const Lanes& lanes);

  const Lanes lanes_;
  const float weight_;             // of every backend, or 0: they differ
  const std::vector<Page> pages_;  // none: read all counters
  mutable Turns turns_;            // of places
  mutable Turns group_turns_;      // of groups, by page and cell
};

}  // namespace weir::balancer
