// Members as a registry states them, and lists of them that are shared.
#pragma once

#include <weir/balancer/member.h>

#include <algorithm>
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

/// Such a list once it is made: never changed, so copies share it. What was read, what is remembered and what was
/// announced are the same hundred thousand members most of the time, and in memory once.
///
/// Reads like a container; compares by what is in it. To change one, take a copy by `*list` and make a new one of it.
/// Thread safety: that of a `std::shared_ptr` to something constant.
class MemberList {
 public:
  MemberList() = default;
  MemberList(KnownMembers members)
      : members_(members.empty() ? nullptr : std::make_shared<const KnownMembers>(std::move(members))) {}
  MemberList(std::initializer_list<KnownMember> members) : MemberList(KnownMembers(members)) {}

  const KnownMembers& operator*() const {
    static const KnownMembers kNobody;
    return members_ ? *members_ : kNobody;
  }
  auto begin() const { return (**this).begin(); }
  auto end() const { return (**this).end(); }
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
  std::shared_ptr<const KnownMembers> members_;  // null: empty
};

}  // namespace weir::discovery
