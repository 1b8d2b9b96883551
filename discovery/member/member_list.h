// Members as a registry states them, and lists of them that are shared.
#pragma once

#include <weir/balancer/members.h>

#include <initializer_list>
#include <memory>
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
using SharedKnownMembers = balancer::SharedMembers<KnownMember>;

/// Such a list once it is made: never changed, so copies share it. What was read, what is remembered and what was
/// announced are the same hundred thousand members most of the time, and in memory once. A list that follows another
/// has the same objects for members that stayed as they were, so what follows a change is cheap for those.
///
/// Reads like a container; compares by what is in it.
/// Thread safety: that of a `std::shared_ptr` to something constant.
class MemberList {
 public:
  using Iterator = SharedKnownMembers::Iterator;

  MemberList() = default;
  MemberList(SharedKnownMembers members)
      : members_(members.empty() ? nullptr : std::make_shared<const SharedKnownMembers>(std::move(members))) {}
  MemberList(KnownMembers members) : MemberList(SharedKnownMembers(std::move(members))) {}
  MemberList(std::initializer_list<KnownMember> members) : MemberList(KnownMembers(members)) {}

  const SharedKnownMembers& operator*() const {
    static const SharedKnownMembers kNobody;
    return members_ ? *members_ : kNobody;
  }
  /// A copy, to make another list of.
  KnownMembers values() const { return {begin(), end()}; }

  Iterator begin() const { return (**this).begin(); }
  Iterator end() const { return (**this).end(); }
  std::size_t size() const { return (**this).size(); }
  bool empty() const { return members_ == nullptr; }
  const KnownMember& operator[](std::size_t i) const { return (**this)[i]; }
  const KnownMember& at(std::size_t i) const { return (**this).at(i); }
  const KnownMember& front() const { return (**this).front(); }
  const KnownMember& back() const { return (**this).back(); }

  /// Whether they are the same list, so that nobody needs to compare.
  bool shares(const MemberList& other) const { return members_ == other.members_; }

  friend bool operator==(const MemberList& a, const MemberList& b) { return a.shares(b) || *a == *b; }

 private:
  std::shared_ptr<const SharedKnownMembers> members_;  // null: empty
};

/// Goes along two such lists. Calls `only_first(member)`, `only_second(member)` or `both(first, second)` for each address, in
/// order, but nothing for a member that is the same object in both.
template <class OnlyFirst, class OnlySecond, class Both>
void for_each_difference(const MemberList& first, const MemberList& second, OnlyFirst only_first, OnlySecond only_second,
                         Both both) {
  if (first.shares(second)) return;
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    if (a != first.end() && b != second.end() && a.shared() == b.shared()) {
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
