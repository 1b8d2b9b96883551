// A table from keys to small values that all workers share and that forgets what was not used for longest.
//
// Its size is bounded in octets, as the zones of limit_req and limit_conn are. Thread safety: every function may be
// called from all workers; a key's shard is locked for the call and no longer.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::shared {

template <class Value>
class KeyTable {
 public:
  explicit KeyTable(std::size_t octets) : most_octets_(octets / kShards) {}

  /// Calls `visit` with the key's value and returns what it returns. A key that is not there is made, with a new value;
  /// for that, values may go that `may_go` lets go, oldest first. Without room `full` is returned.
  template <class Result, class MayGo, class Visit>
  Result with(std::string_view key, Result full, MayGo may_go, Visit visit) {
    Shard& shard = shards_[std::hash<std::string_view>()(key) % kShards];
    const std::lock_guard lock(shard.mutex);
    if (const auto found = shard.by_key.find(key); found != shard.by_key.end()) {
      shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
      return visit(found->second->value);
    }
    const std::size_t needed = key.size() + kOverhead;
    while (shard.octets + needed > most_octets_) {
      if (shard.entries.empty() || !may_go(shard.entries.back().value)) return full;
      shard.octets -= shard.entries.back().key.size() + kOverhead;
      shard.by_key.erase(shard.entries.back().key);
      shard.entries.pop_back();
    }
    shard.entries.push_front({std::string(key), Value{}});
    shard.by_key.emplace(shard.entries.front().key, shard.entries.begin());
    shard.octets += needed;
    return visit(shard.entries.front().value);
  }

  /// Forgets a key whose value `unused` finds to be so.
  template <class Unused>
  void erase_if(std::string_view key, Unused unused) {
    Shard& shard = shards_[std::hash<std::string_view>()(key) % kShards];
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_key.find(key);
    if (found == shard.by_key.end() || !unused(found->second->value)) return;
    const auto entry = found->second;
    shard.octets -= entry->key.size() + kOverhead;
    shard.by_key.erase(found);
    shard.entries.erase(entry);
  }

 private:
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kOverhead = 128;  // what an entry costs beside its key

  struct Entry {
    std::string key;
    Value value;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> entries;  // the latest first
    std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_key;
    std::size_t octets = 0;
  };

  std::array<Shard, kShards> shards_;
  const std::size_t most_octets_;
};

/// The table called `name`: the one of the configuration before, if it had the same, so that a reload forgets nothing.
/// `identity`: what must be the same besides the name. Called by the thread that loads.
template <class Table>
std::shared_ptr<Table> shared_table(const std::string& name, const std::string& identity, std::size_t octets) {
  static std::map<std::string, std::weak_ptr<Table>> known;
  std::weak_ptr<Table>& place = known[name + '\n' + identity + '\n' + std::to_string(octets)];
  std::shared_ptr<Table> table = place.lock();
  if (!table) place = table = std::make_shared<Table>(octets);
  return table;
}

}  // namespace weir::shared
