#include "net/crc32c.h"

#include <array>

namespace weir::net {

namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
    table[i] = value;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::string_view octets) {
  std::uint32_t value = ~0u;
  for (const char c : octets) value = kTable[(value ^ static_cast<unsigned char>(c)) & 255] ^ value >> 8;
  return ~value;
}

}  // namespace weir::net
