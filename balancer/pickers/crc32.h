// CRC-32 as in zlib and Ethernet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::balancer {

class Crc32 {
 public:
  constexpr Crc32& add(std::string_view bytes) noexcept {
    for (const char byte : bytes) add(static_cast<unsigned char>(byte));
    return *this;
  }
  constexpr Crc32& add(unsigned char byte) noexcept {
    state_ = kTable[(state_ ^ byte) & 0xFF] ^ state_ >> 8;
    return *this;
  }
  constexpr std::uint32_t value() const noexcept { return ~state_; }

 private:
  static constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320U : value >> 1;
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t state_ = 0xFFFFFFFFU;
};

}  // namespace weir::balancer
