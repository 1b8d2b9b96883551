// A plain ZooKeeper client for tests: makes, reads and deletes nodes, each call waited for.
#pragma once

#include <string>
#include <vector>

#include "wait.h"

struct _zhandle;

namespace weir::test {

class ZooKeeperNodes {
 public:
  /// Opens a session with `servers` (`ip:port,…`). Its ephemeral nodes live as long as it does.
  /// Throws std::runtime_error if no session comes up.
  explicit ZooKeeperNodes(const std::string& servers, milliseconds session_timeout = milliseconds(6'000));
  ~ZooKeeperNodes();
  ZooKeeperNodes(const ZooKeeperNodes&) = delete;

  /// Makes a node, and what is missing above it. Throws std::runtime_error, as all of these do.
  void create(const std::string& path, const std::string& data = {}, bool ephemeral = false);
  void create_ephemeral(const std::string& path) { create(path, {}, true); }
  void remove(const std::string& path);
  /// Deletes one node and makes another in one step: so a member changes its weight.
  void rename(const std::string& from, const std::string& to, bool ephemeral = true);
  /// Makes or deletes many nodes, whose parent exists, `kAtOnce` in one step: one by one, each waits for the disk.
  void create_ephemerals(const std::vector<std::string>& paths);
  void remove_all(const std::vector<std::string>& paths);
  static constexpr std::size_t kAtOnce = 20;
  /// The names under `path`; none if it does not exist.
  std::vector<std::string> children(const std::string& path);

 private:
  template <class Init>
  void in_steps(const std::vector<std::string>& paths, Init init);

  _zhandle* handle_ = nullptr;
};

}  // namespace weir::test
