// default_route: MD5, which is not safe against anybody and need not be; it only spreads and stays the same.
// Source: RFC 1321.
#include <weir/balancer/member.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace weir::balancer {
namespace {

using State = std::array<std::uint32_t, 4>;

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

void digest_block(State& state, std::string_view block) {
  static const auto kSines = [] {
    std::array<std::uint32_t, 64> sines{};
    for (int i = 0; i < 64; ++i) {
      sines[static_cast<std::size_t>(i)] =
          static_cast<std::uint32_t>(static_cast<std::int64_t>(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
    }
    return sines;
  }();
  const auto word = [block](std::uint32_t i) {
    std::uint32_t value = 0;
    for (std::uint32_t byte = 4; byte-- > 0;) value = value << 8 | static_cast<unsigned char>(block[i * 4 + byte]);
    return value;
  };
  auto [a, b, c, d] = state;
  for (std::uint32_t i = 0; i < 64; ++i) {
    std::uint32_t mixed = 0, from = 0;
    switch (i / 16) {
      case 0: mixed = (b & c) | (~b & d), from = i; break;
      case 1: mixed = (d & b) | (~d & c), from = (5 * i + 1) % 16; break;
      case 2: mixed = b ^ c ^ d, from = (3 * i + 5) % 16; break;
      default: mixed = c ^ (b | ~d), from = 7 * i % 16; break;
    }
    const std::uint32_t next = b + std::rotl(a + mixed + kSines[i] + word(from), kShifts[i / 16][i % 4]);
    a = d, d = c, c = b, b = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

}  // namespace

std::string default_route(std::string_view address) {
  std::string padded(address);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  for (std::uint64_t bits = address.size() * 8, i = 0; i < 8; ++i) padded += static_cast<char>(bits >> (8 * i) & 0xFF);
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (std::size_t at = 0; at < padded.size(); at += 64) digest_block(state, std::string_view(padded).substr(at, 64));
  std::string text;
  for (const std::uint32_t part : state) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t byte = part >> (8 * i) & 0xFF;
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
  }
  return text;
}

}  // namespace weir::balancer
