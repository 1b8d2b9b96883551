// A flow: the datagrams between one client and one of our addresses. As a key of hash tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/endpoint.h"

namespace weir::net {

/// Of an address of IP all that tells it from others, and nothing else.
class AddressKey {
 public:
  AddressKey() = default;
  explicit AddressKey(const Endpoint& endpoint);

  /// The network that one subscriber usually has to itself: the address of IPv4, the /64 of IPv6.
  AddressKey subscriber() const;

  const std::array<std::uint64_t, 3>& words() const { return words_; }
  friend bool operator==(const AddressKey&, const AddressKey&) = default;

 private:
  std::array<std::uint64_t, 3> words_{};  // address; port and family
};

struct FlowKey {
  AddressKey client;
  AddressKey own;  // empty where the socket has but one address
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

/// Depends on a number that nobody outside knows, so that nobody can choose addresses that fall together.
struct AddressHash {
  std::size_t operator()(const AddressKey& key) const noexcept;
  std::size_t operator()(const FlowKey& key) const noexcept;
};

}  // namespace weir::net
