// A list whose members leave it by themselves when they end. Members are in no order; one thread.
#pragma once

namespace weir::shared {

template <class T>
class LinkedList;

/// To be derived from by T. A member is in one list at most.
template <class T>
class Linked {
 public:
  Linked(const Linked&) = delete;

 protected:
  Linked() = default;
  ~Linked() {
    if (!link_) return;
    *link_ = next_;
    if (next_) static_cast<Linked*>(next_)->link_ = link_;
  }

 private:
  friend class LinkedList<T>;
  T* next_ = nullptr;
  T** link_ = nullptr;  // what points at this one; null: in no list
};

template <class T>
class LinkedList {
 public:
  void add(T& member) {
    Linked<T>& linked = member;
    linked.next_ = first_;
    linked.link_ = &first_;
    if (first_) static_cast<Linked<T>*>(first_)->link_ = &linked.next_;
    first_ = &member;
  }
  /// Calls `visit` for every member; `visit` may end the one it is given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (T* member = first_; member;) {
      T* const following = static_cast<Linked<T>*>(member)->next_;
      visit(*member);
      member = following;
    }
  }
  bool is_empty() const { return first_ == nullptr; }

 private:
  T* first_ = nullptr;
};

}  // namespace weir::shared
