#include "net/datagram_flow.h"

#include <cstring>
#include <random>

namespace weir::net {

namespace {

std::uint64_t secret_number() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}
const std::uint64_t kSecret = secret_number(), kOdd = secret_number() | 1;

/// Both halves of a product of 64-bit numbers, folded together: each bit of the input reaches all of the output.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash(std::uint64_t state, const AddressKey& key) {
  for (const std::uint64_t word : key.words()) state = mix(state ^ word, kOdd) + kSecret;
  return state;
}

}  // namespace

AddressKey::AddressKey(const Endpoint& endpoint) {
  int family = endpoint.family();
  if (family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(endpoint.raw())->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
      // What a socket for both shows of IPv4. As networks of IPv6 all of them would be one.
      family = AF_INET;
      words_[1] = address.s6_addr32[3];
    } else {
      std::memcpy(words_.data(), &address, sizeof address);
    }
  } else if (family == AF_INET) {
    words_[1] = reinterpret_cast<const sockaddr_in*>(endpoint.raw())->sin_addr.s_addr;
  }
  words_[2] = static_cast<std::uint64_t>(family) << 16 | endpoint.port();
}

AddressKey AddressKey::subscriber() const {
  AddressKey key = *this;
  key.words_[2] &= ~std::uint64_t{0xffff};
  if (key.words_[2] >> 16 == AF_INET6) key.words_[1] = 0;
  return key;
}

std::size_t AddressHash::operator()(const AddressKey& key) const noexcept { return hash(kSecret, key); }

std::size_t AddressHash::operator()(const FlowKey& key) const noexcept {
  return hash(hash(kSecret, key.client), key.own);
}

}  // namespace weir::net
