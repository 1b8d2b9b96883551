#include "shared/cidr.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "config/values.h"

namespace weir::shared {

namespace {

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool same_beginning(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) {
  if (std::memcmp(a, b, bits / 8) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text, bool* loose) {
  Network network;
  if (loose) *loose = false;
  if (text == "all") return network;
  if (text == "unix:") {
    network.kind_ = Kind::Unix;
    return network;
  }
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  unsigned most;
  if (::inet_pton(AF_INET, address.c_str(), network.octets_.data()) == 1) {
    network.kind_ = Kind::V4;
    most = 32;
  } else if (::inet_pton(AF_INET6, address.c_str(), network.octets_.data()) == 1) {
    network.kind_ = Kind::V6;
    most = 128;
  } else {
    return std::nullopt;
  }
  network.bits_ = most;
  if (slash == text.npos) return network;
  const std::string_view given = text.substr(slash + 1);
  if (const auto bits = config::parse_number(given, most)) {
    network.bits_ = static_cast<unsigned>(*bits);
  } else {
    // A mask: `10.0.0.0/255.0.0.0`.
    in_addr mask;
    if (network.kind_ != Kind::V4 || ::inet_pton(AF_INET, std::string(given).c_str(), &mask) != 1) return std::nullopt;
    const std::uint32_t ones = ntohl(mask.s_addr);
    if (ones != 0 && (~ones & (~ones + 1)) != 0) return std::nullopt;  // has holes
    network.bits_ = static_cast<unsigned>(__builtin_popcount(ones));
  }
  for (unsigned bit = network.bits_; loose && bit < most; ++bit)
    if (network.octets_[bit / 8] >> (7 - bit % 8) & 1) *loose = true;
  return network;
}

bool Network::contains(const net::Endpoint& endpoint) const {
  if (kind_ == Kind::All) return true;
  switch (endpoint.family()) {
    case AF_UNIX: return kind_ == Kind::Unix;
    case AF_INET: {
      const auto* const v4 = reinterpret_cast<const sockaddr_in*>(endpoint.raw());
      return kind_ == Kind::V4 &&
             same_beginning(octets_.data(), reinterpret_cast<const std::uint8_t*>(&v4->sin_addr), bits_);
    }
    case AF_INET6: {
      const std::uint8_t* const address = reinterpret_cast<const sockaddr_in6*>(endpoint.raw())->sin6_addr.s6_addr;
      if (kind_ == Kind::V6) return same_beginning(octets_.data(), address, bits_);
      return kind_ == Kind::V4 && std::memcmp(address, kMapped, sizeof kMapped) == 0 &&
             same_beginning(octets_.data(), address + 12, bits_);
    }
    default: return false;
  }
}

}  // namespace weir::shared
