#include "pickers/least_conn.h"

#include <algorithm>
#include <bit>

namespace weir::balancer {
namespace {

float common_weight(const Backends& backends) {
  const std::uint32_t first = backends.entries().front().weight;
  for (const Backends::Entry& entry : backends.entries())
    if (entry.weight != first) return 0;
  return static_cast<float>(first);
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

std::optional<std::size_t> LeastConn::pick(const Backends& backends, const PickRequest& request) const {
  const bool may_use_floors = !pages_.empty() && (request.tried == nullptr || request.tried->empty());
  const std::optional<std::size_t> place = take_leader(turns_, [&](Leader& leader) {
    may_use_floors ? find_by_floors(backends, leader) : find_in_all(request, leader);
  });
  if (!place) return std::nullopt;
  return lanes_.index_at(*place);
}

void LeastConn::find_in_all(const PickRequest& request, Leader& leader) const noexcept {
  std::size_t base = 0;
  for (const Lanes::Group& group : lanes_.groups()) {
    const Least least = least_in(group, group.untried(request));
    if (least.value < kNoLoad) leader.offer(least.value, base, least.where, turns_);
    base += kLanes;
  }
}

void LeastConn::find_by_floors(const Backends& backends, Leader& leader) const noexcept {
  for (;;) {
    const Lowest lowest = lowest_floor();
    const Load floor = lowest.floor;
    if (floor >= kNoLoad) return;  // every group is closed

    const Turns::Turn turn = lowest.is_tie ? turn_of(floor) : Turns::Turn{};
    const std::size_t cell = lowest.is_tie ? turn.item : lowest.cell;
    const std::size_t number = pages_[cell / kLanes].group[cell % kLanes];
    const Lanes::Group& group = lanes_.groups()[number];
    const LeastTwo least = least_two_in(group, group.members);
    if (least.value > floor) {
      raise_floor(group, group.members, floor, least.value);
      continue;
    }
    if (lowest.is_tie) group_turns_.take(turn);  // lost to another thread: it moved the group on
    if (is_alone(least.where)) {
      backends.prefetch(group.index[std::countr_zero(least.where)]);
      raise_floor_for_claim(group, floor, least);
    }
    return leader.offer(least.value, number * kLanes, least.where, turns_);
  }
}

LeastConn::Lowest LeastConn::lowest_floor() const noexcept {
  Lowest lowest;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    const Least least = least_cell(*pages_[i].floors, pages_[i].members);
    if (least.value > lowest.floor) continue;
    lowest.is_tie = least.value == lowest.floor || !is_alone(least.where);
    lowest.floor = least.value;
    lowest.cell = i * kLanes + static_cast<std::size_t>(std::countr_zero(least.where));
  }
  return lowest;
}

Turns::Turn LeastConn::turn_of(Load floor) const noexcept {
  // Where some tie nearly all do, and the one whose turn it is among them: nobody else need be looked at.
  if (const std::optional<Turns::Turn> due = group_turns_.due()) {
    const std::size_t page = due->item / kLanes, cell = due->item % kLanes;
    if (pages_[page].floors->cells[cell].load(std::memory_order_relaxed) == floor) return *due;
  }
  Leader leader;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    const Least least = least_cell(*pages_[i].floors, pages_[i].members);
    leader.offer(least.value, i * kLanes, least.where, group_turns_);
  }
  return leader.first(group_turns_);
}

void LeastConn::raise_floor_for_claim(const Lanes::Group& group, Load from, const LeastTwo& least) const noexcept {
  // Were it left for the next pick to find that the floor is too low, that pick would have to search again.
  const auto lane = static_cast<std::uint32_t>(std::countr_zero(least.where));
  const Load claimed = load_of((group.block->words.cells[lane].load() & kMaxCount) + 1, group.block->weight(lane));
  const Load next = std::min(claimed, least.second);
  if (next > from) raise_floor(group, group.members & ~least.where, from, next);
}

void LeastConn::raise_floor(const Lanes::Group& group, std::uint64_t lanes, Load from, Load to) const noexcept {
  if (!group.block->floor().compare_exchange_strong(from, to)) return;
  // A lane may have become less loaded after we read it and before the floor was up, too early to lower it.
  if (!any_below(*group.block, lanes, to, weigh_the_same(group, lanes) ? weight_ : 0)) return;
  if (const Least again = least_in(group, lanes); again.value < to) group.block->lower_floor(again.value);
}

std::vector<LeastConn::Page> LeastConn::pages_of(const Backends& backends, const Lanes& lanes) {
  // The other part's lanes are in the same blocks.
  if (lanes.groups().size() <= kMostFlatGroups || backends.is_part()) return {};
  // A backend that became a backup, or stopped being one, has its lane among the others'. Such a block is shared with
  // another picker, and a floor is for one.
  for (const Backends::Entry& entry : backends.entries())
    if (entry.is_backup != entry.slot.block->for_backups) return {};
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
  return Turns(items, pages.size() * kLanes, 0, Turns::Order::Even);
}

}  // namespace weir::balancer
