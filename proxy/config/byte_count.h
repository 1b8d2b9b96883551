// A number of octets, so that sizes are not mistaken for other numbers.
#pragma once

#include <compare>
#include <cstdint>

namespace weir::config {

struct ByteCount {
  std::uint64_t value = 0;

  constexpr std::uint64_t count() const { return value; }
  constexpr auto operator<=>(const ByteCount&) const = default;
};

namespace literals {
constexpr ByteCount operator""_B(unsigned long long n) {
  return {n};
}
constexpr ByteCount operator""_KiB(unsigned long long n) {
  return {n << 10};
}
constexpr ByteCount operator""_MiB(unsigned long long n) {
  return {n << 20};
}
constexpr ByteCount operator""_GiB(unsigned long long n) {
  return {n << 30};
}
}  // namespace literals

}  // namespace weir::config
