// The backends one request has already tried, so that a retry goes to another. Belongs to one request; not
// thread-safe.
#pragma once

#include <weir/balancer/backend.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::balancer {

class Tried {
 public:
  /// Notes that `backend` was tried. The first eight need no allocation.
  void add(const Backend& backend) {
    if (contains(backend)) return;
    if (size_ < kInline) {
      first_[size_] = {backend.id(), backend.slot()};
    } else {
      rest_.push_back({backend.id(), backend.slot()});
    }
    ++size_;
  }

  bool contains(const Backend& backend) const noexcept { return contains(backend.id()); }

  bool contains(std::uint64_t id) const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (entry(i).id == id) return true;
    }
    return false;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept {
    size_ = 0;
    rest_.clear();
  }

  struct Entry {
    std::uint64_t id;
    Slot slot;  // where to look for it; another backend may have the slot by now, so compare the id
  };
  /// The `i`-th backend tried.
  const Entry& entry(std::size_t i) const noexcept { return i < kInline ? first_[i] : rest_[i - kInline]; }

 private:
  static constexpr std::size_t kInline = 8;
  std::array<Entry, kInline> first_;
  std::vector<Entry> rest_;
  std::size_t size_ = 0;
};

}  // namespace weir::balancer
