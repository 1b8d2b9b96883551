#include <weir/balancer/sessions.h>

#include <functional>

namespace weir::balancer {
namespace {

/// Clients choose what their sessions are called, so a long name is kept as its digest.
constexpr std::size_t kLongestName = 64;

}  // namespace

Sessions::Shard& Sessions::shard_of(std::string_view id) noexcept {
  return shards_[(std::hash<std::string_view>()(id) >> 7) % kShards];
}

void Sessions::Shard::expire(TimePoint now, const Limits& limits, std::size_t most) {
  while (!recent.empty() && (recent.size() > most || now - recent.back().used > limits.timeout)) {
    by_id.erase(recent.back().id);
    recent.pop_back();
  }
}

std::optional<std::string> Sessions::find(std::string_view id, TimePoint now, const Limits& limits) {
  if (id.size() > kLongestName) return find(default_route(id), now, limits);
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.by_id.find(id);
  if (known == shard.by_id.end() || now - known->second->used > limits.timeout) return std::nullopt;
  return known->second->route;
}

void Sessions::learn(std::string_view id, std::string_view route, TimePoint now, bool create, const Limits& limits) {
  if (id.size() > kLongestName) return learn(default_route(id), route, now, create, limits);
  Shard& shard = shard_of(id);
  const std::lock_guard lock(shard.mutex);
  shard.expire(now, limits, (limits.most + kShards - 1) / kShards);
  if (const auto known = shard.by_id.find(id); known != shard.by_id.end()) {
    const Recent::iterator session = known->second;
    session->used = now;
    session->route = route;
    shard.recent.splice(shard.recent.begin(), shard.recent, session);
    return;
  }
  if (!create) return;
  shard.recent.push_front({std::string(id), std::string(route), now});
  shard.by_id.emplace(shard.recent.front().id, shard.recent.begin());
  shard.expire(now, limits, (limits.most + kShards - 1) / kShards);
}

std::size_t Sessions::size() const {
  std::size_t all = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    all += shard.recent.size();
  }
  return all;
}

}  // namespace weir::balancer
