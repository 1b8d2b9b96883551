// One worker's side of the HTTP engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <weir/balancer/upstream.h>

#include "http/backend_pool.h"
#include "http/dynamic_upstreams.h"
#include "http/http_config.h"
#include "http/worker_counters.h"
#include "log/access_log_file.h"
#include "log/error_log.h"
#include "net/arena.h"
#include "net/loop.h"

namespace weir::http {

/// Makes the wire side of a connection to a backend.
using ChannelFactory = std::unique_ptr<BackendChannel> (*)(std::unique_ptr<net::Stream>);

/// What a worker keeps whatever configuration is in force.
struct WorkerState {
  net::Loop& loop;
  /// From the place where everything is put together, so that this folder need not know a wire version.
  const ChannelFactory make_backend_channel;
  BackendPools pools;
  WorkerCounters counters;
  const ProcessCounters& all_counters;
  std::unordered_map<std::string, std::unique_ptr<log::AccessLogFile>> access_logs;
  std::uint64_t random_state;

  WorkerState(net::Loop& its_loop, ChannelFactory backend_channels, const ProcessCounters& of_all_workers);
  log::AccessLogFile& access_log(const std::string& path);
  /// Whether lines of access logs wait to be written.
  bool has_log_lines() const;
  std::uint64_t random();
};

/// What a worker needs to serve under one configuration. Lives until the last exchange that began under it ends.
/// Thread safety: belongs to one worker.
class Runtime {
 public:
  Runtime(WorkerState& worker, std::shared_ptr<const HttpConfig> config, log::ErrorLog& error_log);

  WorkerState& worker() { return worker_; }
  net::Loop& loop() { return worker_.loop; }
  const HttpConfig& config() const { return *config_; }
  log::ErrorLog& error_log() { return error_log_; }

  /// This worker's view of an upstream's backends.
  balancer::UpstreamReader& upstream(const UpstreamBlock& block) { return readers_[block.index]; }
  /// Groups made while serving.
  DynamicUpstreams& dynamic_upstreams() { return dynamic_; }
  /// The resolver with these options; `options` must live as long as the configuration.
  net::Resolver& resolver(const net::Resolver::Options& options);

 private:
  WorkerState& worker_;
  std::shared_ptr<const HttpConfig> config_;
  log::ErrorLog& error_log_;
  std::vector<balancer::UpstreamReader> readers_;
  DynamicUpstreams dynamic_;
  std::unordered_map<const net::Resolver::Options*, std::shared_ptr<net::Resolver>> resolvers_;

  friend class RuntimeRef;
  std::uint32_t users_ = 0;
};

/// Shared ownership of a Runtime within its worker: a plain counter, since no other thread takes part.
class RuntimeRef {
 public:
  RuntimeRef() = default;
  explicit RuntimeRef(Runtime* runtime) : runtime_(runtime) { acquire(); }
  RuntimeRef(const RuntimeRef& other) : runtime_(other.runtime_) { acquire(); }
  RuntimeRef(RuntimeRef&& other) noexcept : runtime_(std::exchange(other.runtime_, nullptr)) {}
  RuntimeRef& operator=(RuntimeRef other) noexcept {
    std::swap(runtime_, other.runtime_);
    return *this;
  }
  ~RuntimeRef() { release(); }

  Runtime* operator->() const { return runtime_; }
  Runtime& operator*() const { return *runtime_; }
  bool operator==(const RuntimeRef& other) const { return runtime_ == other.runtime_; }
  explicit operator bool() const { return runtime_ != nullptr; }

 private:
  void acquire() {
    if (runtime_) ++runtime_->users_;
  }
  void release() {
    if (runtime_ && --runtime_->users_ == 0) delete runtime_;
  }
  Runtime* runtime_ = nullptr;
};

}  // namespace weir::http
