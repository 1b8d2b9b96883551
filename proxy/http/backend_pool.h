// Idle connections to backends, kept for the next request.
//
// One BackendPools per worker. An idle connection stays watched: the moment its backend closes it, or sends an octet
// that nobody asked for, it is destroyed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "http/backend_channel.h"

namespace weir::balancer {
class Upstream;
}

namespace weir::http {

/// How long and how many: from the upstream's `keepalive` directives.
struct PoolLimits {
  std::size_t connections = 32;
  bool adapts = true;  // `keepalive` was not given: keep as many as were lately in use at once, too
  std::uint64_t requests = 1000;
  std::chrono::milliseconds idle{60'000};
  std::chrono::milliseconds age{3'600'000};
};

/// The idle connections of one upstream on one worker.
class UpstreamPool {
 public:
  UpstreamPool() = default;
  UpstreamPool(const UpstreamPool&) = delete;
  ~UpstreamPool();

  /// The idle connection to `backend` that was used last, or nothing.
  std::unique_ptr<BackendChannel> take(std::uint64_t backend);

  /// Keeps a connection whose exchange has ended, or closes it if it served or lived long enough. Closes the least
  /// recently used ones when there are more than `limits` allow.
  void give(std::uint64_t backend, std::unique_ptr<BackendChannel> channel, const PoolLimits& limits);

  /// Closes the idle connections of `backend`: one of them just proved to be dead.
  void drop(std::uint64_t backend);

  /// Counts connections in use, for limits that adapt.
  void lend() { peak_ = ++lent_ > peak_ ? lent_ : peak_; }
  void unlend() { --lent_; }

  std::size_t idle() const { return idle_; }

 private:
  friend class BackendChannel;
  void unlink(BackendChannel& channel);

  std::unordered_map<std::uint64_t, BackendChannel*> newest_;  // by backend: the top of its stack
  BackendChannel *most_recent_ = nullptr, *least_recent_ = nullptr;
  std::size_t idle_ = 0, lent_ = 0, peak_ = 0;
  net::TimePoint peak_since_{};
};

/// A worker's pools, by upstream. A pool outlives reloads as long as its upstream does.
class BackendPools {
 public:
  UpstreamPool& of(const balancer::Upstream& upstream) { return pools_[&upstream]; }
  /// Closes the idle connections of an upstream that goes away.
  void forget(const balancer::Upstream& upstream) { pools_.erase(&upstream); }
  /// Closes every idle connection.
  void clear() { pools_.clear(); }

 private:
  std::unordered_map<const balancer::Upstream*, UpstreamPool> pools_;
};

}  // namespace weir::http
