// Sessions that clients may come back with, shared by all threads (`ssl_session_cache shared:…`).
//
// A cache is a number of bytes, split over shards with a lock each; the session used least lately gives way. It lives
// as long as a context uses it, so it outlives reloads. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::net {

class TlsSessionCache {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TlsSessionCache(std::size_t bytes) : shard_bytes_(bytes / kShards) {}
  TlsSessionCache(const TlsSessionCache&) = delete;

  /// The cache of this name in this process, made if there is none. `bytes` counts when it is made.
  static std::shared_ptr<TlsSessionCache> named(const std::string& name, std::size_t bytes);

  /// Keeps an encoded session for `lifetime`.
  void put(std::string_view id, std::string session, std::chrono::seconds lifetime);
  /// The session, or an empty text.
  std::string get(std::string_view id);
  /// Forgets it; returns whether it was there.
  bool remove(std::string_view id);

  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kOverhead = 160;  // bytes of an entry besides its texts
  struct Entry {
    std::string id, session;
    Clock::time_point ends;
    std::size_t cost() const { return kOverhead + id.size() + session.size(); }
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> recent;  // the latest first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_id;  // keys: the entries' own
    std::size_t bytes = 0;
    void erase(std::list<Entry>::iterator entry);
  };
  Shard& shard_of(std::string_view id);

  std::array<Shard, kShards> shards_;
  const std::size_t shard_bytes_;
};

}  // namespace weir::net
