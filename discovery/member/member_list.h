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
  MemberList(SharedKnownMembers members) : members_(std::move(members)) {}
  MemberList(KnownMembers members) : MemberList(SharedKnownMembers(std::move(members))) {}
  MemberList(std::initializer_list<KnownMember> members) : MemberList(KnownMembers(members)) {}

  const SharedKnownMembers& operator*() const { return members_; }
  /// A copy, to make another list of.
  KnownMembers values() const { return {begin(), end()}; }

  Iterator begin() const { return members_.begin(); }
  Iterator end() const { return members_.end(); }
  std::size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }
  const KnownMember& operator[](std::size_t i) const { return members_[i]; }
  const KnownMember& at(std::size_t i) const { return members_.at(i); }
  const KnownMember& front() const { return members_.front(); }
  const KnownMember& back() const { return members_.back(); }

  /// Whether they are the same list, so that nobody needs to compare.
  bool shares(const MemberList& other) const { return members_.shares(other.members_); }

  bool operator==(const MemberList&) const = default;

 private:
  SharedKnownMembers members_;
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
