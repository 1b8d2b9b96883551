// Members that are passed on rather than copied.
#pragma once

#include <weir/balancer/member.h>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::balancer {

/// A list of members that never change themselves. Other lists share them, so the same object stands for the same member
/// and nobody needs to compare; two objects may be alike nevertheless. Copies share the list until one of them grows, so
/// a copy costs the same however many there are.
///
/// Reads like a container of members. `Kind`: a Member, or what else a source knows of one.
/// Thread safety: that of a `std::shared_ptr` to something constant.
template <class Kind>
class SharedMembers {
  static_assert(std::is_base_of_v<Member, Kind>);
  using Entries = std::vector<std::shared_ptr<const Member>>;  // of that kind
  static constexpr bool kIsPlain = std::is_same_v<Kind, Member>;

 public:
  using Pointer = std::shared_ptr<const Kind>;  // never null
  using Shared = std::conditional_t<kIsPlain, const Pointer&, Pointer>;

  class Iterator {
    using Place = typename Entries::const_iterator;

   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Kind;
    using difference_type = std::ptrdiff_t;
    using pointer = const Kind*;
    using reference = const Kind&;

    Iterator() = default;
    explicit Iterator(Place place) : place_(place) {}
    Shared shared() const { return shared_in(*place_); }
    reference operator*() const { return static_cast<reference>(**place_); }
    pointer operator->() const { return &**this; }
    reference operator[](difference_type n) const { return *(*this + n); }
    Iterator& operator++() { return ++place_, *this; }
    Iterator& operator--() { return --place_, *this; }
    Iterator operator++(int) { return Iterator(place_++); }
    Iterator operator--(int) { return Iterator(place_--); }
    Iterator& operator+=(difference_type n) { return place_ += n, *this; }
    Iterator& operator-=(difference_type n) { return place_ -= n, *this; }
    friend Iterator operator+(Iterator a, difference_type n) { return a += n; }
    friend Iterator operator+(difference_type n, Iterator a) { return a += n; }
    friend Iterator operator-(Iterator a, difference_type n) { return a -= n; }
    friend difference_type operator-(Iterator a, Iterator b) { return a.place_ - b.place_; }
    friend auto operator<=>(const Iterator& a, const Iterator& b) { return a.place_ <=> b.place_; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.place_ == b.place_; }

   private:
    Place place_;
  };
  using value_type = Kind;
  using const_iterator = Iterator;
  using iterator = Iterator;

  SharedMembers() = default;
  SharedMembers(std::vector<Kind> members) {
    reserve(members.size());
    for (Kind& member : members) push_back(std::move(member));
  }
  SharedMembers(std::initializer_list<Kind> members) : SharedMembers(std::vector<Kind>(members)) {}
  /// Of members of which more is known: a copy.
  template <class More>
    requires(!std::is_same_v<More, Kind> && std::is_base_of_v<Kind, More>)
  SharedMembers(const SharedMembers<More>& others) : entries_(others.entries_) {}

  Iterator begin() const { return Iterator(entries().begin()); }
  Iterator end() const { return Iterator(entries().end()); }
  std::size_t size() const { return entries().size(); }
  bool empty() const { return entries().empty(); }
  const Kind& operator[](std::size_t i) const { return begin()[static_cast<std::ptrdiff_t>(i)]; }
  const Kind& at(std::size_t i) const { return static_cast<const Kind&>(*entries().at(i)); }
  const Kind& front() const { return *begin(); }
  const Kind& back() const { return *(end() - 1); }
  Shared shared(std::size_t i) const { return shared_in(entries()[i]); }

  /// A copy, to make another list of.
  std::vector<Kind> values() const { return {begin(), end()}; }

  /// Whether they are the same list, so that nobody needs to compare.
  bool shares(const SharedMembers& other) const { return entries_ == other.entries_; }

  void reserve(std::size_t count) { own().reserve(count); }
  void push_back(Kind member) { push_back(std::make_shared<const Kind>(std::move(member))); }
  void push_back(Pointer member) { own().push_back(std::move(member)); }

  friend bool operator==(const SharedMembers& a, const SharedMembers& b) {
    const auto are_same = [](const Kind& one, const Kind& other) { return &one == &other || one == other; };
    return a.shares(b) || std::equal(a.begin(), a.end(), b.begin(), b.end(), are_same);
  }

 private:
  template <class>
  friend class SharedMembers;

  static Shared shared_in(const std::shared_ptr<const Member>& entry) {
    if constexpr (kIsPlain) return entry;
    else return std::static_pointer_cast<const Kind>(entry);
  }

  const Entries& entries() const {
    static const Entries kNone;
    return entries_ ? *entries_ : kNone;
  }
  /// To be changed, which no copy is to see.
  Entries& own() {
    if (entries_ == nullptr || entries_.use_count() > 1) entries_ = std::make_shared<Entries>(entries());
    return *entries_;
  }

  std::shared_ptr<Entries> entries_;  // null: empty
};

using Members = SharedMembers<Member>;

}  // namespace weir::balancer
