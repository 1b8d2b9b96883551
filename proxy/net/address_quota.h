// How many of something clients may have at once: all together, and each of them.
//
// A client is an IPv4 address, or the /64 network of an IPv6 address, whatever its port. Thread safety: any thread, at
// once.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "net/datagram_flow.h"

namespace weir::net {

class AddressQuota {
 public:
  enum class Outcome : std::uint8_t { Taken, FullForAll, FullForClient };

  struct Limits {
    std::uint32_t all, client;
    bool operator==(const Limits&) const = default;
  };

  /// One more for `client`, unless that is too many under `limits`. What was taken has to be given back.
  Outcome take(const Endpoint& client, const Limits& limits);
  void give_back(const Endpoint& client);

  /// How many are taken.
  std::uint32_t count() const { return all_.load(std::memory_order_relaxed); }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<AddressKey, std::uint32_t, AddressHash> counts;
  };
  Shard& shard_of(const AddressKey& key) { return shards_[AddressHash{}(key) >> 8 & (kShards - 1)]; }

  static constexpr std::size_t kShards = 16;
  std::atomic<std::uint32_t> all_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace weir::net
