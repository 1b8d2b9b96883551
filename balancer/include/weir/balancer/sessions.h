// Which backend a client's session belongs to, learned from answers. Bounded: when it is full, the session that was
// longest unused makes room. Source: nginx's `sticky learn`.
//
// Thread safety: everything may be called from any thread at once. Sessions lie in sixteen shards with a lock each; a
// lock is held for one look-up.
#pragma once

#include <weir/balancer/member.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::balancer {

class Sessions {
 public:
  struct Limits {
    std::chrono::milliseconds timeout{600'000};  // a session unused for so long is forgotten
    std::size_t most = 8'000;                    // sessions at a time; rounded up to a multiple of sixteen
  };

  /// The route of session `id`, or nothing if it is unknown or timed out at `now`.
  std::optional<std::string> find(std::string_view id, TimePoint now, const Limits& limits);

  /// Session `id` was served by the backend with `route` at `now`: it belongs there from now on, and is in use. A session
  /// that is not known is made if `create`.
  void learn(std::string_view id, std::string_view route, TimePoint now, bool create, const Limits& limits);

  /// How many there are, those timed out but not yet removed among them.
  std::size_t size() const;

 private:
  struct Session {
    std::string id, route;
    TimePoint used;
  };
  using Recent = std::list<Session>;  // the latest used first
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    Recent recent;
    std::unordered_map<std::string_view, Recent::iterator> by_id;  // keys: the sessions' own

    void expire(TimePoint now, const Limits& limits, std::size_t most);
  };
  Shard& shard_of(std::string_view id) noexcept;

  static constexpr std::size_t kShards = 16;
  std::array<Shard, kShards> shards_;
};

}  // namespace weir::balancer
