// Members of a directory with native names, listing after listing.
#pragma once

#include "member/member_directory.h"

#include <cstdint>
#include <optional>
#include <string>
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
  Decoded decode(std::vector<std::string> names);

 private:
  std::optional<std::uint32_t> find(const std::string& name) const;
  void remember(MemberList members, std::vector<std::string> names);

  const DecodeRules rules_;
  MemberList members_;               // of the last listing that names alone settled
  std::vector<std::string> names_;   // what each was made of; empty: to be decoded again, as it has a fault to report
  std::vector<std::uint32_t> table_; // places in names_ by their hash, plus 1; 0: free
};

}  // namespace weir::discovery
