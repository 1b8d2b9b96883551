// Names of a node's children, in one block of memory: there may be a hundred thousand of them.
#pragma once

#include <cstddef>
#include <cstdint>
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
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
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
  std::string text_;
  std::vector<std::uint32_t> ends_;  // where in it each ends; the server sends less than 2 GB
};

}  // namespace weir::discovery
