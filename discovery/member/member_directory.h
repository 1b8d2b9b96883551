// One reading of a directory of members: its children's names turned into members.
#pragma once

#include "member/cidr.h"
#include "member/member_list.h"
#include "member/native_name.h"
#include "session/session.h"

#include <string>
#include <utility>
#include <vector>

namespace weir::discovery {

/// How children become members.
struct DecodeRules {
  std::uint32_t default_weight = 100;
  balancer::Member prototype{};      ///< for what a child does not say
  std::vector<Cidr> allow{};         ///< where members may be; empty: anywhere
};

/// A complete reading of one directory. A plain value.
struct MemberDirectory {
  bool exists = false;
  NodeStat stat;         ///< of the directory; its czxid is what it is recognised by
  MemberList members;
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
    KnownMember member;
    bool is_faulty = false;  ///< taken, but also rejected in part
    std::size_t number = 0;  ///< which of the names it was decoded from it is
  };
  std::vector<Child> children;          ///< by `sort`; several may share an address, and several a name
  std::vector<RejectedName> rejected;   ///< skipped, except those with a bad weight

  /// By address, then by name.
  void sort();

  /// Whether any two of the children, which are sorted, share an address.
  bool is_contested() const;

  /// Indices of the children that share their address with another.
  std::vector<std::size_t> contested() const;
};

/// What a native name says, as a member.
KnownMember to_member(const NativeName& name, const DecodeRules& rules);

/// Decodes native `names`. Never throws for what they contain.
DecodedDirectory decode_directory(std::vector<std::string> names, const DecodeRules& rules);

/// One member an address. Of several the youngest node counts: its owner knows more than one that has perhaps already
/// gone. `czxids`: for each contested child, in the order of `contested()`, its node's czxid; negative if it no
/// longer exists.
KnownMembers settle(DecodedDirectory directory, const std::vector<std::int64_t>& czxids);

}  // namespace weir::discovery
