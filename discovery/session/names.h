// Names of a node's children, in one block of memory: there may be a hundred thousand of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// A list of texts that only grows. Reads like a container of `std::string_view`.
class Names {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(const Names& names, std::size_t place) : names_(&names), place_(place) {}
    std::string_view operator*() const { return (*names_)[place_]; }
    Iterator& operator++() { return ++place_, *this; }
    Iterator operator++(int) { return {*names_, place_++}; }
    bool operator==(const Iterator& other) const { return place_ == other.place_; }

   private:
    const Names* names_ = nullptr;
    std::size_t place_ = 0;
  };

  Names() = default;
  Names(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) push_back(name);
  }
  Names(const std::vector<std::string>& names) {
    for (const std::string_view name : names) push_back(name);
  }

  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }
  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  /// Of all names together.
  std::size_t bytes() const { return text_.size(); }
  std::string_view operator[](std::size_t i) const {
    return std::string_view(text_).substr(begin_of(i), ends_[i] - begin_of(i));
  }
  /// How many names from `i` on are those of `other` from `j` on. Costs little for each.
  std::size_t count_same(std::size_t i, const Names& other, std::size_t j) const {
    const std::size_t most = std::min(size() - i, other.size() - j), begin = begin_of(i), other_begin = other.begin_of(j);
    std::size_t count = 0;
    while (count < most && ends_[i + count] - begin == other.ends_[j + count] - other_begin) ++count;
    if (count == 0) return 0;
    const char* const text = text_.data() + begin;
    const std::size_t bytes = ends_[i + count - 1] - begin;
    if (std::memcmp(text, other.text_.data() + other_begin, bytes) == 0) return count;
    const std::size_t same = std::mismatch(text, text + bytes, other.text_.data() + other_begin).first - text_.data();
    return std::upper_bound(ends_.begin() + i, ends_.begin() + i + count, same) - (ends_.begin() + i);
  }
  std::vector<std::string> strings() const { return {begin(), end()}; }

  void reserve(std::size_t count, std::size_t bytes) {
    ends_.reserve(count);
    text_.reserve(bytes);
  }
  void push_back(std::string_view name) {
    text_ += name;
    ends_.push_back(static_cast<std::uint32_t>(text_.size()));
  }

  bool operator==(const Names&) const = default;

 private:
  std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }

  std::string text_;
  std::vector<std::uint32_t> ends_;  // where in it each ends; the server sends less than 2 GB
};

}  // namespace weir::discovery
