// Finding the least of 64 numbers that other threads keep changing. With AVX2 where the processor has it.
#pragma once

#include <cstdint>

#include "board.h"

namespace weir::balancer {

/// The least value found and who has it; a bit for each cell or lane.
struct Least {
  std::uint32_t value;
  std::uint64_t where;
};

/// The least of the cells of `row` named in `among`. Nobody has it if `among` is 0.
Least least_cell(const Row& row, std::uint64_t among) noexcept;

/// The least load of the open lanes of `block` named in `among`; `kNoLoad` and nobody if none is open.
/// Loads that differ by less than 1 in 8 million count as equal; while claims × weight < 2^23 no two of them do.
Least least_load(const Block& block, std::uint64_t among) noexcept;

/// The same if all weights are `weight`, sooner.
Least least_load(const Block& block, std::uint64_t among, float weight) noexcept;

/// The open lanes of `block` among those named.
std::uint64_t open_lanes(const Block& block, std::uint64_t among) noexcept;

}  // namespace weir::balancer
