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

/// Whether one bit at most is set. (`std::has_single_bit` is a call where the processor may lack an instruction for it.)
constexpr bool is_alone(std::uint64_t where) noexcept {
  return (where & (where - 1)) == 0;
}

/// The least, and if only one has that, the least of the others. As Least in size: what fits two registers is not handed
/// over in memory.
struct LeastTwo {
  std::uint32_t value;
  std::uint32_t second;
  std::uint64_t where;
};

/// The least of the cells of `row` named in `among`. Nobody has it if `among` is 0.
Least least_cell(const Row& row, std::uint64_t among) noexcept;

/// The least load of the open lanes of `block` named in `among`; `kNoLoad` and nobody if none is open.
/// Loads that differ by less than 1 in 8 million count as equal; while claims × weight < 2^23 no two of them do.
Least least_load(const Block& block, std::uint64_t among) noexcept;

/// The same if all weights are `weight`, sooner.
Least least_load(const Block& block, std::uint64_t among, float weight) noexcept;

/// As least_load, and what is least without the one that is alone; `kNoLoad` if nobody else is open.
LeastTwo least_two_loads(const Block& block, std::uint64_t among) noexcept;
LeastTwo least_two_loads(const Block& block, std::uint64_t among, float weight) noexcept;

/// Whether an open lane among those named is loaded less than `load`, by 1 in 2 million at least. `weight`: of all, or 0.
bool any_below(const Block& block, std::uint64_t among, Load load, float weight) noexcept;

/// The open lanes of `block` among those named.
std::uint64_t open_lanes(const Block& block, std::uint64_t among) noexcept;

/// The same, and how many claims they have together.
struct OpenClaims {
  std::uint64_t lanes;
  std::uint32_t claims;
};
OpenClaims open_claims(const Block& block, std::uint64_t among) noexcept;

}  // namespace weir::balancer
