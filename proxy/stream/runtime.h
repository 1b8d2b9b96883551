// One worker's side of the stream engine.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "shared/linked.h"
#include "shared/runtime.h"
#include "stream/stream_config.h"

namespace weir::stream {

/// What a worker needs to serve under one configuration. Lives until the last session that began under it ends.
class Runtime final : public shared::Runtime {
 public:
  Runtime(shared::WorkerState& worker, std::shared_ptr<const StreamConfig> config, const log::ErrorLog& error_log)
      : shared::Runtime(worker, *config, error_log), config_(std::move(config)) {}

  const StreamConfig& config() const { return *config_; }

 private:
  const std::shared_ptr<const StreamConfig> config_;
};
using RuntimeRef = shared::RefTo<Runtime>;

class Reception;
class Session;

/// What a worker offers the sessions on it. Belongs to one worker, like everything in it.
class SessionHost {
 public:
  /// `serial` numbers connections of the whole process; `active` counts those of this worker. `reception`: for those that
  /// are passed on; outlives this.
  SessionHost(shared::WorkerState& its_worker, Reception& its_reception, std::atomic<std::uint64_t>& serial,
              std::atomic<std::uint64_t>& active)
      : worker(its_worker), reception(its_reception), serial_(serial), active_(active) {}
  SessionHost(const SessionHost&) = delete;

  shared::WorkerState& worker;
  Reception& reception;
  /// In force for sessions that begin now.
  RuntimeRef runtime;
  /// Those that are there.
  shared::LinkedList<Session> sessions;

  std::uint64_t next_serial() { return serial_.fetch_add(1, std::memory_order_relaxed) + 1; }
  /// Counts connections among those that worker_connections limits.
  void count_connections(int by) {
    // Only the worker writes, so no read-modify-write is needed.
    active_.store(active_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by), std::memory_order_relaxed);
  }

 private:

  std::atomic<std::uint64_t>& serial_;
  std::atomic<std::uint64_t>& active_;
};

}  // namespace weir::stream
