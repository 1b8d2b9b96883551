#include "shared/runtime.h"

#include <algorithm>
#include <random>

namespace weir::shared {

WorkerState::WorkerState(net::Loop& its_loop) : loop(its_loop), random_state_(std::random_device{}()) {}

// Source: xorshift64* (Vigna 2016).
std::uint64_t WorkerState::random() {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return random_state_ * 0x2545F4914F6CDD1Dull;
}

bool WorkerState::has_log_lines() const {
  return std::any_of(access_logs.begin(), access_logs.end(), [](const auto& log) { return log.second->pending() != 0; });
}

Runtime::Runtime(WorkerState& worker, const ProtocolConfig& config, const log::ErrorLog& error_log)
    : base_worker_(worker), base_config_(config), error_log_(error_log), dynamic_(worker) {
  readers_.reserve(config.upstreams.size());
  for (const auto& upstream : config.upstreams) readers_.emplace_back(upstream->group);
}

net::Resolver& Runtime::resolver(const net::Resolver::Options& options) {
  auto& known = resolvers_[&options];
  if (!known) known = std::make_shared<net::Resolver>(base_worker_.loop, options);
  return *known;
}

}  // namespace weir::shared
