// The weights of a ServerSet: nodes `vector_…` beside its members, which an operator writes.
#pragma once

#include "member/member_directory.h"

#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// What one entry of a vector does to the members it selects.
struct WeightRule {
  std::string selector;  ///< `member=<node>`, `inet=<address>` (canonical) or `shard=<number>`
  double factor = 1;     ///< 0 or less: no traffic

  bool operator==(const WeightRule&) const = default;
};

/// A vector; entries that select nothing we know are left out, and `reason` says so.
struct DecodedVector {
  std::vector<WeightRule> rules{};
  const char* reason = nullptr;
  bool is_rejected = false;  ///< it is no vector at all
};

DecodedVector decode_vector(std::string_view data);

/// Multiplies the weights of those `children` that are members of a ServerSet by the factors of all rules that select
/// them. A weight stays within 1 to 65535.
void apply_weight_rules(const std::vector<WeightRule>& rules, std::vector<DecodedDirectory::Child>& children);

}  // namespace weir::discovery
