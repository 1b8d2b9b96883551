// One worker's side of the HTTP engine.
#pragma once

#include <cstdint>
#include <memory>

#include "http/backend_pool.h"
#include "http/http_config.h"
#include "http/worker_counters.h"
#include "log/error_log.h"
#include "shared/runtime.h"

namespace weir::http {

/// Makes the wire side of a connection to a backend.
using ChannelFactory = std::unique_ptr<BackendChannel> (*)(std::unique_ptr<net::Stream>);

/// What a worker keeps for http whatever configuration is in force.
struct WorkerState final : shared::WorkerState {
  /// From the place where everything is put together, so that this folder need not know a wire version.
  const ChannelFactory make_backend_channel;
  BackendPools pools;
  WorkerCounters counters;
  const ProcessCounters& all_counters;

  WorkerState(net::Loop& its_loop, ChannelFactory backend_channels, const ProcessCounters& of_all_workers)
      : shared::WorkerState(its_loop), make_backend_channel(backend_channels), all_counters(of_all_workers) {}
  void forget(const balancer::Upstream& group) override { pools.forget(group); }
};

/// What a worker needs to serve under one configuration. Lives until the last exchange that began under it ends.
/// Thread safety: belongs to one worker.
class Runtime : public shared::Runtime {
 public:
  Runtime(WorkerState& worker, std::shared_ptr<const HttpConfig> config, const log::ErrorLog& error_log)
      : shared::Runtime(worker, *config, error_log), worker_(worker), config_(std::move(config)) {}

  WorkerState& worker() { return worker_; }
  const HttpConfig& config() const { return *config_; }

 private:
  WorkerState& worker_;
  const std::shared_ptr<const HttpConfig> config_;
};

using RuntimeRef = shared::RefTo<Runtime>;

}  // namespace weir::http
