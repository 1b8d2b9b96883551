// Ranges of addresses in which members may be.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// `10.0.0.0/8`, `fd00::/8`. IPv4 ranges are kept in their IPv4-mapped form, so `::ffff:10.0.0.1` is in `10.0.0.0/8`.
struct Cidr {
  std::array<std::uint8_t, 16> prefix{};
  unsigned bits = 0;  ///< of the mapped form: 96 more for IPv4

  bool operator==(const Cidr&) const = default;
};

/// Why a member outside of the allowed ranges is refused: for counters and log lines.
inline constexpr const char* kNotAllowed = "address not allowed";

/// Reads an address with or without `/bits`; nothing if it is neither. Bits after the prefix are ignored.
std::optional<Cidr> parse_cidr(std::string_view text);

/// Whether `address`, canonical as `canonical_address` makes it, is in one of `ranges`; always if there are none.
bool is_allowed(std::string_view address, const std::vector<Cidr>& ranges);

/// Whether a member may be announced at `address`: one by name may, as it is judged by what the name stands for.
bool may_be_announced(std::string_view address, const std::vector<Cidr>& ranges);

}  // namespace weir::discovery
