// Turns the servers' names into IP literals, so that the ZooKeeper client never has to.
#pragma once

#include "session/executor.h"
#include "session/server_list.h"

#include <functional>
#include <map>
#include <memory>

namespace weir::discovery {

/// Looks one name up; IP literals, possibly none. May block. Replaced in tests.
using LookUp = std::function<std::vector<std::string>(const std::string& host)>;

/// The system's resolver (getaddrinfo).
std::vector<std::string> look_up_with_system(const std::string& host);

/// Resolves server lists one at a time, each on a thread of its own, since the system's resolver blocks for as long as
/// it likes. What a name last resolved to is used when it does not resolve now.
/// Lives on the executor.
class Resolver {
 public:
  /// Receives `ip:port,[v6]:port,…`, never twice the same; empty if nothing is known.
  using Done = std::function<void(std::string servers)>;

  Resolver(std::shared_ptr<Executor> executor, LookUp look_up = look_up_with_system);
  ~Resolver();

  /// Calls `done` on the executor, never from within; at latest when `patience` is over, then with what is known.
  /// A call replaces the one before, whose `done` is not called any more.
  void resolve(std::vector<ServerAddress> servers, Clock::duration patience, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::discovery
