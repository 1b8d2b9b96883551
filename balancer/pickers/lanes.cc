#include "pickers/lanes.h"

#include <algorithm>

namespace weir::balancer {

Lanes::Lanes(const Backends& backends) {
  std::vector<Block*> blocks;
  for (const Backends::Entry& entry : backends.entries()) {
    Block* block = entry.slot.block;
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
  const Block* last = nullptr;
  Group* group = nullptr;
  std::uint32_t index = 0;
  for (const Backends::Entry& entry : backends.entries()) {
    const auto [block, lane] = entry.slot;
    if (block != last) group = group_of[block->number];  // mostly neighbours
    last = block;
    group->members |= 1ULL << lane;
    group->weight += entry.weight;
    group->index[lane] = index++;
    group->id[lane] = entry.id;
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
  items.reserve(backends.size());
  for (const Backends::Entry& entry : backends.entries()) {
    items.push_back({base_of[entry.slot.block->number] + entry.slot.lane, entry.weight});
  }
  const std::uint64_t taken = groups_.empty() ? 0 : groups_.front().block->board->leases_given();
  return Turns(items, groups_.size() * kLanes, taken);
}

}  // namespace weir::balancer
