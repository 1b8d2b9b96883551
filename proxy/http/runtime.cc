#include "http/runtime.h"

#include <algorithm>
#include <random>

namespace weir::http {

WorkerState::WorkerState(net::Loop& its_loop, ChannelFactory backend_channels, const ProcessCounters& of_all_workers)
    : loop(its_loop),
      make_backend_channel(backend_channels),
      all_counters(of_all_workers),
      random_state(std::random_device{}()) {}

// Source: xorshift64* (Vigna 2016); only spreads choices, guards nothing.
std::uint64_t WorkerState::random() {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545F4914F6CDD1Dull;
}

log::AccessLogFile& WorkerState::access_log(const std::string& path) { return *access_logs.find(path)->second; }

bool WorkerState::has_log_lines() const {
  return std::any_of(access_logs.begin(), access_logs.end(), [](const auto& log) { return log.second->pending() != 0; });
}

Runtime::Runtime(WorkerState& worker, std::shared_ptr<const HttpConfig> config, log::ErrorLog& error_log)
    : worker_(worker), config_(std::move(config)), error_log_(error_log), dynamic_(worker.pools) {
  readers_.reserve(config_->upstreams.size());
  for (const auto& upstream : config_->upstreams) readers_.emplace_back(upstream->group);
}

net::Resolver& Runtime::resolver(const net::Resolver::Options& options) {
  auto& known = resolvers_[&options];
  if (!known) known = std::make_shared<net::Resolver>(worker_.loop, options);
  return *known;
}

}  // namespace weir::http
