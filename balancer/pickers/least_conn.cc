#include "pickers/least_conn.h"

#include <algorithm>
#include <bit>

namespace weir::balancer {
namespace {

// When turns are taken away that often, another thread always had a claim for each; then any of the least will do.
constexpr int kMostLostTurns = 8;

float common_weight(const Backends& backends) {
  for (std::size_t i = 1; i < backends.size(); ++i) {
    if (backends[i].weight() != backends[0].weight()) return 0;
  }
  return static_cast<float>(backends[0].weight());
}

}  // namespace

std::unique_ptr<const Picker> LeastConn::make(const Backends& backends) {
  return std::make_unique<LeastConn>(backends);
}

LeastConn::LeastConn(const Backends& backends)
    : lanes_(backends),
      weight_(common_weight(backends)),
      pages_(pages_of(backends, lanes_)),
      turns_(lanes_.make_turns(backends)),
      group_turns_(turns_of(pages_, lanes_)) {}

std::optional<std::size_t> LeastConn::pick(const Backends&, const PickRequest& request) const {
  const bool may_use_floors = !pages_.empty() && (request.tried == nullptr || request.tried->empty());
  for (int lost = 0;; ++lost) {
    const Leader leader = may_use_floors ? find_by_floors() : find_in_all(request);
    if (leader.value >= kNoLoad) return std::nullopt;
    if (leader.is_alone || turns_.take(leader.turn) || lost == kMostLostTurns) {
      return lanes_.index_at(leader.turn.item);
    }
  }
}

Leader LeastConn::find_in_all(const PickRequest& request) const noexcept {
  Leader leader;
  std::size_t base = 0;
  for (const Lanes::Group& group : lanes_.groups()) {
    const Least least = least_in(group, group.untried(request));
    leader.offer(least.value, base, least.where, turns_);
    base += kLanes;
  }
  return leader;
}

Leader LeastConn::find_by_floors() const noexcept {
  for (;;) {
    Leader lowest;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      const Least least = least_cell(*pages_[i].floors, pages_[i].members);
      lowest.offer(least.value, i * kLanes, least.where, group_turns_);
    }
    if (lowest.value >= kNoLoad) return {};  // every group is closed

    const std::size_t number = pages_[lowest.turn.item / kLanes].group[lowest.turn.item % kLanes];
    const Lanes::Group& group = lanes_.groups()[number];
    const Least least = least_in(group, group.members);
    if (least.value > lowest.value) {
      raise_floor(group, group.members, lowest.value, least.value);
      continue;
    }
    if (!lowest.is_alone) group_turns_.take(lowest.turn);  // lost to another thread: it moved the group on
    if (std::has_single_bit(least.where)) raise_floor_for_claim(group, lowest.value, least);
    Leader leader;
    leader.offer(least.value, number * kLanes, least.where, turns_);
    return leader;
  }
}

void LeastConn::raise_floor_for_claim(const Lanes::Group& group, Load from, const Least& least) const noexcept {
  // Were it left for the next pick to find that the floor is too low, that pick would have to search again.
  const auto lane = static_cast<std::uint32_t>(std::countr_zero(least.where));
  const std::uint64_t others = group.members & ~least.where;
  const Load claimed = load_of((group.block->words.cells[lane].load() & kMaxCount) + 1, group.block->weight(lane));
  const Load next = std::min(claimed, least_in(group, others).value);
  if (next > from) raise_floor(group, others, from, next);
}

void LeastConn::raise_floor(const Lanes::Group& group, std::uint64_t lanes, Load from, Load to) const noexcept {
  if (!group.block->floor().compare_exchange_strong(from, to)) return;
  // A lane may have become less loaded after we read it and before the floor was up, too early to lower it.
  const Least again = least_in(group, lanes);
  if (again.value < to) group.block->lower_floor(again.value);
}

std::vector<LeastConn::Page> LeastConn::pages_of(const Backends& backends, const Lanes& lanes) {
  // The other part's lanes are in the same blocks.
  if (lanes.groups().size() <= kMostFlatGroups || backends.is_part()) return {};
  // A backend that became a backup, or stopped being one, has its lane among the others'. Such a block is shared with
  // another picker, and a floor is for one.
  for (std::size_t i = 0; i < backends.size(); ++i) {
    if (backends[i].is_backup() != backends[i].slot().block->for_backups) return {};
  }
  std::vector<Page> pages;
  const std::span<const Lanes::Group> groups = lanes.groups();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Block& block = *groups[i].block;
    const std::uint32_t cell = block.floor_cell();
    if (pages.empty() || pages.back().floors != block.floors) pages.push_back({.floors = block.floors});
    Page& page = pages.back();
    page.members |= 1ULL << cell;
    page.group[cell] = static_cast<std::uint32_t>(i);
  }
  return pages;
}

Turns LeastConn::turns_of(const std::vector<Page>& pages, const Lanes& lanes) {
  std::vector<Turns::Item> items;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    for (std::uint64_t left = pages[i].members; left != 0; left &= left - 1) {
      const auto cell = static_cast<std::size_t>(std::countr_zero(left));
      items.push_back({i * kLanes + cell, lanes.groups()[pages[i].group[cell]].weight});
    }
  }
  return Turns(items, pages.size() * kLanes, 0);
}

}  // namespace weir::balancer
