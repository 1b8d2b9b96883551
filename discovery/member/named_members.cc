#include "member/named_members.h"

#include "member/member_address.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace weir::discovery {
namespace {

constexpr const char* kUnknown = "it has no address";

// The addresses of members at `host`, canonical; if there are none, `why` says so.
std::vector<std::string> usable_addresses(std::string_view named_address, const HostAddresses& known,
                                          const std::vector<Cidr>& allow, const char*& why) {
  std::vector<std::string> usable;
  why = kUnknown;
  const auto host = known.find(host_of(named_address));
  if (host == known.end()) return usable;
  for (const std::string& literal : host->second) {
    NameError error{};
    auto address = canonical_address(at_literal(named_address, literal), error);
    if (!address) why = to_string(error);
    else if (!is_allowed(*address, allow)) why = kNotAllowed;
    else usable.push_back(std::move(*address));
  }
  return usable;
}

void add_resolved(const KnownMember& named, const std::vector<std::string>& addresses, KnownMembers& members) {
  const auto count = static_cast<std::uint32_t>(addresses.size());
  for (const std::string& address : addresses) {
    KnownMember& member = members.emplace_back(named);
    member.address = address;
    member.weight = std::max<std::uint32_t>(1, (named.weight + count / 2) / count);
    member.name = member.hash_key = named.address;
  }
}

}  // namespace

std::vector<std::string> hosts_of(const MemberList& members) {
  std::vector<std::string> hosts;
  for (const KnownMember& member : members) {
    if (is_named(member.address)) hosts.emplace_back(host_of(member.address));
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

ResolvedMembers resolve_members(const MemberList& members, const HostAddresses& known, const std::vector<Cidr>& allow) {
  ResolvedMembers result;
  KnownMembers all;
  for (const KnownMember& member : members) {
    if (!is_named(member.address)) {
      all.push_back(member);
      continue;
    }
    const char* why = nullptr;
    const std::vector<std::string> addresses = usable_addresses(member.address, known, allow, why);
    add_resolved(member, addresses, all);
    if (!addresses.empty()) continue;
    result.without_address.emplace(host_of(member.address), why);
    all.push_back(member);
    all.back().down = true;
  }
  // Those that were announced by their address have no name and so come first.
  std::sort(all.begin(), all.end(), [](const KnownMember& a, const KnownMember& b) {
    return std::tie(a.address, a.name) < std::tie(b.address, b.name);
  });
  KnownMembers settled;
  settled.reserve(all.size());
  for (KnownMember& member : all) {
    if (!settled.empty() && settled.back().address == member.address) {
      settled.back().draining = settled.back().draining || member.draining;
    } else {
      settled.push_back(std::move(member));
    }
  }
  result.members = std::move(settled);
  return result;
}

}  // namespace weir::discovery
