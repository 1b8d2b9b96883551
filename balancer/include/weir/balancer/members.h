// Members that are passed on rather than copied.
#pragma once

#include <weir/balancer/member.h>

#include <compare>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::balancer {

/// A list of members that never change themselves. Copies and other lists share them, so the same object stands for the
/// same member and nobody needs to compare; two objects may be alike nevertheless.
///
/// Reads like a container of members. `Kind`: a Member, or what else a source knows of one.
template <class Kind>
class SharedMembers {
 public:
  using Pointer = std::shared_ptr<const Kind>;  // never null

  class Iterator {
    using Place = typename std::vector<Pointer>::const_iterator;

   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Kind;
    using difference_type = std::ptrdiff_t;
    using pointer = const Kind*;
    using reference = const Kind&;

    Iterator() = default;
    explicit Iterator(Place place) : place_(place) {}
    const Pointer& shared() const { return *place_; }
    reference operator*() const { return **place_; }
    pointer operator->() const { return place_->get(); }
    reference operator[](difference_type n) const { return *place_[n]; }
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
  /// Of members of which more is known.
  template <class More>
    requires(!std::is_same_v<More, Kind> && std::is_base_of_v<Kind, More>)
  SharedMembers(const SharedMembers<More>& others) {
    append(others);
  }

  Iterator begin() const { return Iterator(members_.begin()); }
  Iterator end() const { return Iterator(members_.end()); }
  std::size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }
  const Kind& operator[](std::size_t i) const { return *members_[i]; }
  const Kind& at(std::size_t i) const { return *members_.at(i); }
  const Kind& front() const { return *members_.front(); }
  const Kind& back() const { return *members_.back(); }
  const Pointer& shared(std::size_t i) const { return members_[i]; }

  void reserve(std::size_t count) { members_.reserve(count); }
  void push_back(Kind member) { members_.push_back(std::make_shared<const Kind>(std::move(member))); }
  void push_back(Pointer member) { members_.push_back(std::move(member)); }
  template <class Others>
  void append(const Others& others) {
    reserve(size() + others.size());
    for (auto each = others.begin(); each != others.end(); ++each) members_.push_back(each.shared());
  }

  friend bool operator==(const SharedMembers& a, const SharedMembers& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a.shared(i) != b.shared(i) && !(a[i] == b[i])) return false;
    return true;
  }

 private:
  std::vector<Pointer> members_;
};

using Members = SharedMembers<Member>;

}  // namespace weir::balancer
