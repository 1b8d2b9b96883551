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

using Pointer = MemberList::Pointer;

Pointer with(KnownMember member, bool balancer::Member::*fact) {
  member.*fact = true;
  return std::make_shared<const KnownMember>(std::move(member));
}

void add_resolved(const KnownMember& named, const std::vector<std::string>& addresses, std::vector<Pointer>& members) {
  const auto count = static_cast<std::uint32_t>(addresses.size());
  for (const std::string& address : addresses) {
    KnownMember member = named;
    member.address = address;
    member.weight = std::max<std::uint32_t>(1, (named.weight + count / 2) / count);
    member.name = member.hash_key = named.address;
    members.push_back(std::make_shared<const KnownMember>(std::move(member)));
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
  std::vector<Pointer> all;
  for (auto member = members.begin(); member != members.end(); ++member) {
    if (!is_named(member->address)) {
      all.push_back(member.shared());
      continue;
    }
    const char* why = nullptr;
    const std::vector<std::string> addresses = usable_addresses(member->address, known, allow, why);
    add_resolved(*member, addresses, all);
    if (!addresses.empty()) continue;
    result.without_address.emplace(host_of(member->address), why);
    all.push_back(with(*member, &KnownMember::down));
  }
  // Those that were announced by their address have no name and so come first.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a->address, a->name) < std::tie(b->address, b->name);
  });
  MemberList settled;
  settled.reserve(all.size());
  for (auto member = all.begin(); member != all.end();) {
    const auto first = member++;
    bool is_drained = (*first)->draining;
    for (; member != all.end() && (*member)->address == (*first)->address; ++member) {
      is_drained = is_drained || (*member)->draining;
    }
    settled.push_back(is_drained == (*first)->draining ? std::move(*first) : with(**first, &KnownMember::draining));
  }
  result.members = std::move(settled);
  return result;
}

}  // namespace weir::discovery
