#include "session/resolver.h"

#include <arpa/inet.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::discovery {
namespace {

bool is_ip_literal(const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 || inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

using KnownHosts = std::map<std::string, std::vector<std::string>>;

std::string join(const std::vector<ServerAddress>& servers, const KnownHosts& known) {
  std::vector<ServerAddress> literals;
  for (const ServerAddress& server : servers) {
    if (is_ip_literal(server.host)) {
      literals.push_back(server);
    } else if (const auto addresses = known.find(server.host); addresses != known.end()) {
      for (const std::string& address : addresses->second) literals.push_back({address, server.port});
    }
  }
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  return to_string(literals);
}

}  // namespace

// Shared with a look-up under way, which may outlive the resolver: `getaddrinfo` cannot be interrupted.
struct Resolver::State {
  std::shared_ptr<Executor> executor;
  LookUp look_up;
  std::mutex mutex;  // guards `known` and `busy`; the rest is touched on the executor only
  KnownHosts known;
  bool busy = false;
  std::vector<ServerAddress> servers;
  Done done;  // empty: nobody waits
  Executor::TimerId deadline = 0;

  void finish() {
    executor->cancel(deadline);
    const Done wanted = std::exchange(done, {});
    if (!wanted) return;
    std::string literals;
    {
      const std::lock_guard lock(mutex);
      literals = join(servers, known);
    }
    wanted(std::move(literals));
  }
};

Resolver::Resolver(std::shared_ptr<Executor> executor, LookUp look_up) : state_(std::make_shared<State>()) {
  state_->executor = std::move(executor);
  state_->look_up = std::move(look_up);
}

Resolver::~Resolver() {
  state_->done = {};
  state_->executor->cancel(state_->deadline);
}

void Resolver::resolve(std::vector<ServerAddress> servers, Clock::duration patience, Done done) {
  State& state = *state_;
  state.executor->cancel(state.deadline);
  state.servers = std::move(servers);
  state.done = std::move(done);
  const auto finish = [shared = state_] { shared->finish(); };
  std::vector<std::string> names;
  for (const ServerAddress& server : state.servers) {
    if (!is_ip_literal(server.host)) names.push_back(server.host);
  }
  if (names.empty()) {
    state.executor->post(finish);
    return;
  }
  state.deadline = state.executor->after(patience, finish);
  {
    // One look-up at a time: threads stuck in a dead resolver must not pile up. The one under way serves this call.
    const std::lock_guard lock(state.mutex);
    if (std::exchange(state.busy, true)) return;
  }
  std::thread([shared = state_, names = std::move(names), finish] {
    for (const std::string& name : names) {
      std::vector<std::string> addresses = shared->look_up(name);
      const std::lock_guard lock(shared->mutex);
      if (!addresses.empty()) shared->known[name] = std::move(addresses);
    }
    {
      const std::lock_guard lock(shared->mutex);
      shared->busy = false;
    }
    shared->executor->post(finish);
  }).detach();
}

}  // namespace weir::discovery
