// hash, ip_hash: a key goes to the same backend as long as the list stays the same, and as it does with nginx.
//
// A key makes a sequence of numbers; each number names a place among the weights, and the first backend so named that
// can be had is taken. After twenty misses, and without a key, it is taken in turns. A backend that is down keeps its
// place, so that the others keep their keys. Source of both sequences: nginx, whose `hash` is that of Cache::Memcached.
#pragma once

#include <weir/balancer/picker.h>

#include "pickers/round_robin.h"

namespace weir::balancer {

/// The numbers that a key makes.
enum class KeyHash : std::uint8_t {
  Crc32,    // of any text
  Address,  // of the first three octets of an IPv4 address, or all sixteen of an IPv6 one
};

class KeyHashPicker final : public Picker {
 public:
  template <KeyHash hash>
  static std::unique_ptr<const Picker> make(const Backends& backends) {
    return std::make_unique<KeyHashPicker>(backends, hash);
  }
  KeyHashPicker(const Backends& backends, KeyHash hash);

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  const KeyHash hash_;
  std::vector<std::uint64_t> ends_;  // of each backend's part of a line as long as the sum of all weights
  const RoundRobin turns_;
};

}  // namespace weir::balancer
