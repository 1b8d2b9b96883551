// One reading of a directory of members: its children's names turned into members.
#pragma once

#include <weir/balancer/member.h>

#include "member/native_name.h"
#include "session/session.h"

#include <string>
#include <utility>
#include <vector>

namespace weir::discovery {

/// How names become members.
struct DecodeRules {
  std::uint32_t default_weight = 100;
  balancer::Member prototype{};      ///< for what a name does not say
};

/// A complete reading of one directory. A plain value.
struct MemberDirectory {
  bool exists = false;
  NodeStat stat;                          ///< of the directory; its czxid is what it is recognised by
  std::vector<balancer::Member> members;  ///< sorted by address, each address once
};

/// A child that was not taken as it stands, and why.
struct RejectedName {
  std::string name;
  const char* reason;
};

/// The children of a directory, decoded.
struct DecodedDirectory {
  struct Child {
    std::string name;
    balancer::Member member;
  };
  std::vector<Child> children;          ///< sorted by address; several may share one
  std::vector<RejectedName> rejected;   ///< skipped, except those with a bad weight

  /// Indices of the children that share their address with another.
  std::vector<std::size_t> contested() const;
};

/// Decodes `names`. Never throws for what they contain.
DecodedDirectory decode_directory(std::vector<std::string> names, const DecodeRules& rules);

/// One member an address. Of several the youngest node counts: its owner knows more than one that has perhaps already
/// gone. `czxids`: for each contested child, in the order of `contested()`, its node's czxid; negative if it no
/// longer exists.
std::vector<balancer::Member> settle(DecodedDirectory directory, const std::vector<std::int64_t>& czxids);

}  // namespace weir::discovery
