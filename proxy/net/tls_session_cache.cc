#include "net/tls_session_cache.h"

#include <map>

namespace weir::net {

std::shared_ptr<TlsSessionCache> TlsSessionCache::named(const std::string& name, std::size_t bytes) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<TlsSessionCache>> all;
  const std::lock_guard lock(mutex);
  std::shared_ptr<TlsSessionCache> cache = all[name].lock();
  if (!cache) all[name] = cache = std::make_shared<TlsSessionCache>(bytes);
  return cache;
}

// Ids are random, so any byte of them spreads evenly.
TlsSessionCache::Shard& TlsSessionCache::shard_of(std::string_view id) {
  return shards_[id.empty() ? 0 : static_cast<unsigned char>(id.back()) % kShards];
}

void TlsSessionCache::Shard::erase(std::list<Entry>::iterator entry) {
  bytes -= entry->cost();
  by_id.erase(entry->id);
  recent.erase(entry);
}

void TlsSessionCache::put(std::string_view id, std::string session, std::chrono::seconds lifetime) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  if (const auto known = shard.by_id.find(id); known != shard.by_id.end()) shard.erase(known->second);
  shard.recent.push_front({std::string(id), std::move(session), Clock::now() + lifetime});
  shard.by_id.emplace(shard.recent.front().id, shard.recent.begin());
  shard.bytes += shard.recent.front().cost();
  while (shard.bytes > shard_bytes_ && !shard.recent.empty()) shard.erase(std::prev(shard.recent.end()));
}

std::string TlsSessionCache::get(std::string_view id) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.by_id.find(id);
  if (known == shard.by_id.end()) return {};
  if (known->second->ends <= Clock::now()) {
    shard.erase(known->second);
    return {};
  }
  shard.recent.splice(shard.recent.begin(), shard.recent, known->second);
  return known->second->session;
}

bool TlsSessionCache::remove(std::string_view id) {
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.by_id.find(id);
  if (known == shard.by_id.end()) return false;
  shard.erase(known->second);
  return true;
}

std::size_t TlsSessionCache::size() const {
  std::size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.recent.size();
  }
  return total;
}

}  // namespace weir::net
