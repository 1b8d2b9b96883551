// The backends of one picker, seen the way their counters lie: in groups of up to 64, one for each block of the
// board.
#pragma once

#include <weir/balancer/picker.h>

#include <array>
#include <cstdint>
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

  /// Turns for all places, going on after the requests that these backends have had.
  Turns make_turns(const Backends& backends) const;

 private:
  std::vector<Group> groups_;
};

/// The least value offered so far, and of those that have it, whose turn is first.
struct Leader {
  std::uint32_t value = ~0U;
  Turns::Turn turn{};
  bool is_alone = true;

  /// Offers the items `base + i` for each bit `i` of `items`, all of which have `offered`.
  void offer(std::uint32_t offered, std::size_t base, std::uint64_t items, const Turns& turns) noexcept {
    if (items == 0 || offered > value) return;
    const Turns::Turn candidate = turns.first(base, items);
    is_alone = offered < value && (items & (items - 1)) == 0;
    if (offered < value || candidate.at < turn.at) turn = candidate;
    value = offered;
  }
};

}  // namespace weir::balancer
