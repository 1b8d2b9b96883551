// Members as a registry states them, and lists of them that are shared.
#pragma once

#include <weir/balancer/members.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::discovery {

/// A member as a registry states it: what the balancer wants to know, and what else was said of it.
struct KnownMember : balancer::Member {
  KnownMember() = default;
  KnownMember(balancer::Member member, std::string what_else = {})
      : balancer::Member(std::move(member)), facts(std::move(what_else)) {}

  /// Such as `z=eu-1b,v=2026.1,l.rack=7`: the fields of a native name that only a policy asks for, in that order.
  std::string facts{};

  bool operator==(const KnownMember&) const = default;
};

/// Sorted by address, each address once.
using KnownMembers = std::vector<KnownMember>;

/// Such a list once it is made. What was read, what is remembered and what was announced are the same hundred thousand
/// members most of the time, and in memory once. A list that follows another has the same objects for members that
/// stayed as they were, so what follows a change is cheap for those.
using MemberList = balancer::SharedMembers<KnownMember>;

/// Goes along two such lists. Calls `only_first(member)`, `only_second(member)` or `both(first, second)` for each address, in
/// order, but nothing for a member that is the same object in both.
template <class OnlyFirst, class OnlySecond, class Both>
void for_each_difference(const MemberList& first, const MemberList& second, OnlyFirst only_first, OnlySecond only_second,
                         Both both) {
  if (first.shares(second)) return;
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    if (a != first.end() && b != second.end() && &*a == &*b) {
      ++a, ++b;
    } else if (b == second.end() || (a != first.end() && a->address < b->address)) {
      only_first(*a++);
    } else if (a == first.end() || b->address < a->address) {
      only_second(*b++);
    } else {
      both(*a++, *b++);
    }
  }
}

}  // namespace weir::discovery
