#include "net/address_quota.h"

namespace weir::net {

AddressQuota::Outcome AddressQuota::take(const Endpoint& client, const Limits& limits) {
  if (all_.fetch_add(1, std::memory_order_relaxed) >= limits.all) {
    all_.fetch_sub(1, std::memory_order_relaxed);
    return Outcome::FullForAll;
  }
  const AddressKey key = AddressKey(client).subscriber();
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  std::uint32_t& count = shard.counts[key];
  if (count < limits.client) {
    ++count;
    return Outcome::Taken;
  }
  if (count == 0) shard.counts.erase(key);
  all_.fetch_sub(1, std::memory_order_relaxed);
  return Outcome::FullForClient;
}

void AddressQuota::give_back(const Endpoint& client) {
  const AddressKey key = AddressKey(client).subscriber();
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(key);
  if (--found->second == 0) shard.counts.erase(found);
  all_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace weir::net
