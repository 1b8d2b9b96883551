// The backends of one picker, seen the way their counters lie: in groups of up to 64, one for each block of the
// board.
#pragma once

#include <weir/balancer/picker.h>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "board.h"
#include "pickers/turns.h"

namespace weir::balancer {

class Lanes {
 public:
  explicit Lanes(const Backends& backends);

  struct Group {
    Block* block;
    std::uint64_t members;                      // a bit for each lane that belongs to this picker
    std::uint32_t weight = 0;                   // of all members, when the list was made
    std::array<std::uint32_t, kLanes> index{};  // of the lane's backend in the list
    std::array<std::uint64_t, kLanes> id{};     // and who that is

    /// The members that the request may still try.
    std::uint64_t untried(const PickRequest& request) const noexcept {
      return request.tried == nullptr || request.tried->empty() ? members : members & ~tried(*request.tried);
    }

   private:
    std::uint64_t tried(const Tried& tried) const noexcept;
  };

  std::span<const Group> groups() const noexcept { return groups_; }

  /// The index in the list of the backend at `place`, which is 64 × group + lane.
  std::size_t index_at(std::size_t place) const noexcept { return groups_[place / kLanes].index[place % kLanes]; }

  /// Turns for all places, going on after the leases that were given.
  Turns make_turns(const Backends& backends) const;

 private:
  std::vector<Group> groups_;
};

/// The least value offered so far, and who has it.
class Leader {
 public:
  /// Offers the items `base + i` for each bit `i` of `items`, all of which have `value`.
  void offer(std::uint32_t value, std::size_t base, std::uint64_t items, const Turns& turns) noexcept {
    if (items == 0 || value > value_) return;
    if (value == value_ && items_ != 0) {
      settle(turns);
      take_if_sooner(turns.first(base, items));
      return;
    }
    value_ = value;
    base_ = base;
    items_ = items;
    at_ = kUnsettled;
  }

  /// ~0 if nobody was offered.
  std::uint32_t value() const noexcept { return value_; }
  /// Whether nobody else has the value, so that it does not matter whose turn it is.
  bool is_alone() const noexcept { return at_ == kUnsettled && (items_ & (items_ - 1)) == 0; }
  /// If one `is_alone`: who that is.
  std::size_t only() const noexcept { return base_ + static_cast<std::size_t>(std::countr_zero(items_)); }
  /// Of those who have the value: whose turn is first.
  Turns::Turn first(const Turns& turns) noexcept {
    settle(turns);
    return {item_, at_};
  }

 private:
  static constexpr std::uint64_t kUnsettled = ~0ULL;

  void settle(const Turns& turns) noexcept {
    if (at_ == kUnsettled) take_if_sooner(turns.first(base_, items_));
  }
  void take_if_sooner(Turns::Turn candidate) noexcept {
    if (candidate.at >= at_) return;
    item_ = candidate.item;
    at_ = candidate.at;
  }

  std::uint32_t value_ = ~0U;
  std::size_t base_ = 0;
  std::uint64_t items_ = 0;
  // Not computed before it matters. Kept apart: to copy what was just written in two parts makes the processor wait.
  std::size_t item_ = 0;
  std::uint64_t at_ = kUnsettled;
};

/// Of those that `find(leader)` offers, the one that has the best right.
template <class Find>
std::optional<std::size_t> take_leader(Turns& turns, Find find) {
  // When turns are taken away that often, another thread always had a claim for each; then any of the least will do.
  constexpr int kMostLostTurns = 8;
  for (int lost = 0;; ++lost) {
    Leader leader;  // filled where it is, for the same reason
    find(leader);
    if (leader.value() == ~0U) return std::nullopt;
    if (leader.is_alone()) return leader.only();
    const Turns::Turn turn = leader.first(turns);
    if (turns.take(turn) || lost == kMostLostTurns) return turn.item;
  }
}

}  // namespace weir::balancer
