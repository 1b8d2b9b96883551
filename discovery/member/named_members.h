// From members that are announced by the names of hosts to members with addresses: a pure function.
#pragma once

#include "member/cidr.h"
#include "member/member_list.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir::discovery {

/// What names stand for, as IP literals (v6 without brackets), by host.
using HostAddresses = std::map<std::string, std::vector<std::string>, std::less<>>;

inline constexpr std::size_t kMostHosts = 1000;    ///< of an upstream; the members of more are down
inline constexpr std::size_t kMostAddresses = 16;  ///< of a host, in their order; more are left out

/// Members with addresses in place of names.
struct ResolvedMembers {
  MemberList members{};
  /// Hosts for which there is no usable address, and why; their members are down.
  std::map<std::string, const char*> without_address{};
};

/// The hosts by which members are named; sorted, each once.
std::vector<std::string> hosts_of(const MemberList& members);

/// Puts a member for each address of its host in place of a named one. They share its weight, and keep its name.
///
/// What a name stands for has to be as allowed as an address that is announced. A member whose host has no address, or none
/// that is allowed, is down under its name. Where an address is announced as well, that counts, but a wish to drain is
/// heard from either.
ResolvedMembers resolve_members(const MemberList& members, const HostAddresses& known, const std::vector<Cidr>& allow);

}  // namespace weir::discovery
