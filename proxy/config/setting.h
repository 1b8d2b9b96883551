// A directive's value in one scope.
#pragma once

#include <cstdint>
#include <utility>

namespace weir::config {

/// A value with a default, which knows whether it was set here, inherited, or neither.
///
/// Inheritance is nginx's: an inner scope takes the outer value if and only if it sets none; a list is a value like
/// any other, so it is taken whole or replaced whole.
template <class T>
class Setting {
 public:
  using Value = T;

  constexpr Setting() = default;
  /// `default_value`: what the setting is where no scope sets it.
  constexpr explicit Setting(T default_value) : value_(std::move(default_value)) {}

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }

  /// Whether a directive gave the value, in this scope or in one around it.
  bool is_set() const { return origin_ != Origin::Default; }
  /// Whether a directive of this very scope gave the value.
  bool is_set_here() const { return origin_ == Origin::Here; }

  void set(T value) {
    value_ = std::move(value);
    origin_ = Origin::Here;
  }

  /// The value, to be built up by several directives of one scope. The first call in a scope starts with an empty
  /// one.
  T& edit() {
    if (origin_ != Origin::Here) set(T{});
    return value_;
  }

  /// Takes the value of the scope around this one, unless this one has its own.
  void inherit(const Setting& outer) {
    if (is_set() || !outer.is_set()) return;
    value_ = outer.value_;
    origin_ = Origin::Outer;
  }

 private:
  enum class Origin : std::uint8_t { Default, Outer, Here };

  T value_{};
  Origin origin_ = Origin::Default;
};

}  // namespace weir::config
