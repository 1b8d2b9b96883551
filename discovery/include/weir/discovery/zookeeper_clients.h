// One ZooKeeper session per ensemble, shared by everything in the process that talks to it.
#pragma once

#include <weir/discovery/event.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::discovery {

class ZooKeeperClient;

/// Hands out the shared client of an ensemble, and forgets it when its last user lets go.
/// Thread safety: all functions from any thread.
class ZooKeeperClients {
 public:
  /// The client for the ensemble made of `servers` (see ZooKeeperConfig), made and started if there is none.
  ///
  /// The order of `servers` does not matter. The first caller's `session_timeout` and `log` serve all who share it.
  /// Throws std::invalid_argument if there is no server or one is not of the form `host[:port]`.
  std::shared_ptr<ZooKeeperClient> get(const std::vector<std::string>& servers,
                                       std::chrono::milliseconds session_timeout, const LogFunction& log);

  /// The process's own.
  static std::shared_ptr<ZooKeeperClients> of_process();

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ZooKeeperClient>> clients_;
};

}  // namespace weir::discovery
