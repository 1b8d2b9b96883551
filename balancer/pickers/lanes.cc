#include "pickers/lanes.h"

#include <algorithm>

namespace weir::balancer {

Lanes::Lanes(const Backends& backends) {
  std::vector<Block*> blocks;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    Block* block = backends[i].slot().block;
    if (blocks.empty() || blocks.back() != block) blocks.push_back(block);
  }
  std::sort(blocks.begin(), blocks.end(), [](const Block* a, const Block* b) { return a->number < b->number; });
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());

  groups_.reserve(blocks.size());
  std::vector<Group*> group_of(blocks.empty() ? 0 : blocks.back()->number + 1, nullptr);
  for (Block* block : blocks) {
    groups_.push_back({.block = block, .members = 0});
    group_of[block->number] = &groups_.back();
  }
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const auto [block, lane] = backends[i].slot();
    Group& group = *group_of[block->number];
    group.members |= 1ULL << lane;
    group.weight += backends[i].weight();
    group.index[lane] = static_cast<std::uint32_t>(i);
    group.id[lane] = backends[i].id();
  }
}

std::uint64_t Lanes::Group::tried(const Tried& tried) const noexcept {
  std::uint64_t lanes = 0;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const Tried::Entry& entry = tried.entry(i);
    if (entry.slot.block == block && id[entry.slot.lane] == entry.id) lanes |= 1ULL << entry.slot.lane;
  }
  return lanes;
}

Turns Lanes::make_turns(const Backends& backends) const {
  std::vector<std::size_t> base_of;  // of the group with that block
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    base_of.resize(groups_[i].block->number + 1);
    base_of[groups_[i].block->number] = i * kLanes;
  }
  std::vector<Turns::Item> items;
  std::uint64_t taken = backends.empty() ? 0 : backends[0].slot().block->board->turns_taken();
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const auto [block, lane] = backends[i].slot();
    items.push_back({base_of[block->number] + lane, backends[i].weight()});
    taken += backends[i].requests();
  }
  return Turns(items, groups_.size() * kLanes, taken);
}

}  // namespace weir::balancer
