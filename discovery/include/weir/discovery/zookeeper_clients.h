// One ZooKeeper session per ensemble, shared by everything in the process that talks to it.
#pragma once

#include <weir/discovery/event.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace weir::discovery {

class ZooKeeperClient;

/// Who we are to the registry: what ZooKeeper calls an authentication.
struct ZooKeeperAuth {
  std::string scheme{};  ///< `digest`; empty: nobody in particular
  std::string secret{};  ///< `user:password`; never written anywhere

  bool operator==(const ZooKeeperAuth&) const = default;
};

/// Hands out the shared client of an ensemble, and forgets it when its last user lets go.
/// Thread safety: all functions from any thread.
class ZooKeeperClients {
 public:
  /// The client for the ensemble made of `servers` (see ZooKeeperConfig), made and started if there is none.
  ///
  /// The order of `servers` does not matter; those with another `auth` have a client of their own. The first caller's `session_timeout` and `log` serve all who share it.
  /// Throws std::invalid_argument if there is no server or one is not of the form `host[:port]`.
  std::shared_ptr<ZooKeeperClient> get(const std::vector<std::string>& servers,
                                       std::chrono::milliseconds session_timeout, const LogFunction& log,
                                       const ZooKeeperAuth& auth = {});

  /// The process's own.
  static std::shared_ptr<ZooKeeperClients> of_process();

 private:
  std::mutex mutex_;
  using Key = std::tuple<std::string, std::string, std::string>;  // servers, and the parts of who we are
  std::map<Key, std::weak_ptr<ZooKeeperClient>> clients_;
};

}  // namespace weir::discovery
