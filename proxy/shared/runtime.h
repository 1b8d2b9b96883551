// One worker's side of one configuration of a protocol: its views of upstreams, its resolvers.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <weir/balancer/upstream.h>

#include "log/error_log.h"
#include "net/resolver.h"
#include "shared/dynamic_upstreams.h"
#include "shared/protocol_config.h"
#include "shared/worker_state.h"

namespace weir::shared {

/// Thread safety: belongs to one worker.
class Runtime {
 public:
  Runtime(WorkerState& worker, const ProtocolConfig& config, const log::ErrorLog& error_log);
  Runtime(const Runtime&) = delete;
  virtual ~Runtime() = default;

  net::Loop& loop() { return base_worker_.loop; }
  WorkerState& base_worker() { return base_worker_; }
  const VariableTable& variables() const { return base_config_.variables; }
  const log::ErrorLog& error_log() const { return error_log_; }

  /// This worker's view of an upstream's backends.
  balancer::UpstreamReader& upstream(const UpstreamBlock& block) { return readers_[block.index]; }
  /// Groups made while serving.
  DynamicUpstreams& dynamic_upstreams() { return dynamic_; }
  /// The resolver with these options; `options` must live as long as the configuration.
  net::Resolver& resolver(const net::Resolver::Options& options);

 private:
  WorkerState& base_worker_;
  const ProtocolConfig& base_config_;
  const log::ErrorLog& error_log_;
  std::vector<balancer::UpstreamReader> readers_;
  DynamicUpstreams dynamic_;
  std::unordered_map<const net::Resolver::Options*, std::shared_ptr<net::Resolver>> resolvers_;

  template <class>
  friend class RefTo;
  std::uint32_t users_ = 0;
};

/// Shared ownership of a protocol's Runtime within its worker: a plain counter, since no other thread takes part.
template <class T>
class RefTo {
 public:
  RefTo() = default;
  explicit RefTo(T* runtime) : runtime_(runtime) { acquire(); }
  RefTo(const RefTo& other) : runtime_(other.runtime_) { acquire(); }
  RefTo(RefTo&& other) noexcept : runtime_(std::exchange(other.runtime_, nullptr)) {}
  RefTo& operator=(RefTo other) noexcept {
    std::swap(runtime_, other.runtime_);
    return *this;
  }
  ~RefTo() { release(); }

  T* operator->() const { return runtime_; }
  T& operator*() const { return *runtime_; }
  bool operator==(const RefTo& other) const { return runtime_ == other.runtime_; }
  explicit operator bool() const { return runtime_ != nullptr; }

 private:
  void acquire() {
    if (runtime_) ++static_cast<Runtime*>(runtime_)->users_;
  }
  void release() {
    if (runtime_ && --static_cast<Runtime*>(runtime_)->users_ == 0) delete runtime_;
  }
  T* runtime_ = nullptr;
};

}  // namespace weir::shared
