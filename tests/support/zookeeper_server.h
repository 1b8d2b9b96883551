// Real ZooKeeper servers for tests, run from Debian's jars: no service, no root. A standalone one is there after half a
// second and takes 50 MB, an ensemble after two seconds and takes 180.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "child_process.h"
#include "ports.h"
#include "temp_dir.h"

namespace weir::test {

/// One server process and its data. Its tick is 200 ms, and it grants session timeouts from 400 ms to 60 s.
class ZooKeeperServer {
 public:
  /// A standalone server on 127.0.0.1, started and serving. Throws std::runtime_error, with the server's log, if it does
  /// not come to serve.
  ZooKeeperServer();
  /// A server with a configuration of its own in `dir`, not started. `address`: `ip:port` where clients find it.
  ZooKeeperServer(std::filesystem::path dir, std::string address, const char* main_class, const std::string& config);
  ZooKeeperServer(const ZooKeeperServer&) = delete;
  ZooKeeperServer& operator=(const ZooKeeperServer&) = delete;
  ~ZooKeeperServer();

  const std::string& address() const { return address_; }

  /// `NAME=value` for the process, from its next start on.
  void set_environment(std::vector<std::string> environment) { environment_ = std::move(environment); }
  /// Starts the process without waiting for it to serve.
  void launch();
  /// Starts it, on the same address with the data as it is, and waits until it serves.
  void start();
  void stop();    ///< SIGTERM, and waits for the end
  void kill();    ///< SIGKILL, and waits for the end
  void freeze();  ///< SIGSTOP: the connections stay, nothing is answered
  void thaw();    ///< SIGCONT
  /// Deletes the data. To be called while it is stopped.
  void wipe();
  /// Copies the data aside, or back. To be called while it is stopped.
  void save_data();
  void restore_data();

  /// `leader`, `follower` or `standalone`; empty while it does not serve.
  std::string mode() const;
  /// Waits until it serves; throws as the constructor does.
  void wait_until_serving() const;
  /// What a four-letter word answers; empty if nothing does within a second.
  std::string ask(const std::string& word) const;

 private:
  std::unique_ptr<TempDir> own_dir_;
  std::unique_ptr<Port> own_port_;
  std::filesystem::path dir_;
  std::string address_;
  std::string main_class_;
  std::string config_file_;
  std::vector<std::string> environment_;
  ChildProcess process_;
};

/// Three servers on 127.0.0.1, .2 and .3, all with one client port: the C client tells servers apart by address only.
class ZooKeeperEnsemble {
 public:
  static constexpr std::size_t kSize = 3;

  /// Started, with a leader and all three serving.
  ZooKeeperEnsemble();

  ZooKeeperServer& server(std::size_t index) { return *servers_.at(index); }
  /// `ip:port` of all.
  std::vector<std::string> addresses() const;
  /// Waits until there is a leader and returns its index. Throws std::runtime_error if none is elected.
  std::size_t leader() const;

 private:
  TempDir dir_{"zookeeper"};
  Port client_port_, quorum_port_, election_port_;
  std::vector<std::unique_ptr<ZooKeeperServer>> servers_;
};

}  // namespace weir::test
