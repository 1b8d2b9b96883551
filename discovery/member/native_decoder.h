// Members of a directory with native names, listing after listing.
#pragma once

#include "member/member_directory.h"
#include "session/names.h"

#include <cstdint>
#include <vector>

namespace weir::discovery {

/// Decodes the listings of one directory. Each differs little from the one before, so only names that were not there
/// are decoded, and a listing that says the same gives the same list.
class NativeDecoder {
 public:
  /// What a listing says: either `members`, or, if nodes share an address, all children for `settle`.
  struct Decoded {
    MemberList members{};
    DecodedDirectory contested{};         ///< empty unless names alone do not settle who is a member
    std::vector<RejectedName> rejected{};
  };

  explicit NativeDecoder(DecodeRules rules) : rules_(std::move(rules)) {}

  /// Never throws for what `names` contain.
  Decoded decode(Names names);

 private:
  using Places = std::vector<std::uint32_t>;

  Places find(const Names& names) const;

  const DecodeRules rules_;
  // The last listing that names alone settled; what its names say, and where in that each name's member is.
  Names names_;
  MemberList members_;
  Places places_;
};

}  // namespace weir::discovery
