// Networks such as `10.0.0.0/8`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/endpoint.h"

namespace weir::shared {

/// An IPv4 or IPv6 network, or all unix sockets, or everything.
class Network {
 public:
  /// Reads `1.2.3.4`, `10.0.0.0/8`, `2001:db8::/32`, `unix:` or `all`. Bits beyond the prefix are ignored; `loose` tells
  /// that there were some.
  static std::optional<Network> parse(std::string_view text, bool* loose = nullptr);

  /// Whether the endpoint's address lies in it. An IPv4 address that an IPv6 socket reports (`::ffff:1.2.3.4`) is taken
  /// as IPv4.
  bool contains(const net::Endpoint& endpoint) const;

 private:
  enum class Kind : std::uint8_t { All, V4, V6, Unix } kind_ = Kind::All;
  std::array<std::uint8_t, 16> octets_{};
  unsigned bits_ = 0;
};

}  // namespace weir::shared
