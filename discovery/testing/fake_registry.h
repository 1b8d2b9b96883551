// ZooKeeper in memory, as far as this library can tell the difference: nodes with their stats, sessions that time out,
// watches that fire once, and every fault on request.
#pragma once

#include "session/session.h"

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace weir::discovery {

class FakeSession;

/// The servers. Lives on the executor, like the sessions it gives out.
class FakeRegistry {
 public:
  explicit FakeRegistry(std::shared_ptr<Executor> executor, std::uint32_t seed = 1);
  ~FakeRegistry();

  /// Makes sessions with this registry, for Ensemble.
  SessionFactory factory();

  // What an administrator or a member does. Parents are made as needed; `owner` 0: persistent.
  bool create(const std::string& path, std::int64_t owner = 0, const std::string& data = {});
  bool remove(const std::string& path);
  void remove_tree(const std::string& path);
  bool exists(const std::string& path) const { return nodes_.contains(path); }
  std::int64_t owner_of(const std::string& path) const;
  std::vector<std::string> children(const std::string& path) const;
  std::string data_of(const std::string& path) const;
  bool write(const std::string& path, const std::string& data);
  /// A session of somebody else; its ephemeral nodes go with `expire`.
  std::int64_t open_foreign_session() { return ++last_session_; }

  // Faults.
  void go_down();                  ///< no connection to anyone; sessions do not time out meanwhile
  void come_back();
  bool is_down() const { return is_down_; }
  void cut_connections();          ///< all connections are lost; all may connect again at once
  void expire(std::int64_t session);  ///< its ephemeral nodes go and it is told, if connected
  void wipe();                     ///< empty data; knows no session; transactions count from 0 again
  void save();                     ///< remembers the data …
  void restore();                  ///< … and goes back to it
  void freeze(bool is_frozen);     ///< connections stay, nothing is answered until it thaws
  void refuse_reading(const std::string& path) { unreadable_.insert(path); }
  void allow_reading(const std::string& path) { unreadable_.erase(path); }
  /// Names that a real server would not accept, for what is not ours to trust.
  void smuggle(const std::string& directory, const std::string& name);

  std::uint64_t reads() const { return reads_; }       ///< list, get and exists calls answered
  std::size_t watches() const;                         ///< set now, by all sessions

 private:
  friend class FakeSession;
  struct Node {
    std::string data;
    NodeStat stat;
  };
  enum class WatchKind { Children, Node };
  using WatchKey = std::pair<WatchKind, std::string>;

  Clock::duration latency();
  static std::string parent_of(const std::string& path);
  Code apply(const std::vector<Operation>& operations, std::int64_t session);
  using Overlay = std::map<std::string, bool>;  // whether a path would exist after the steps so far
  Code check(const Operation& operation, const Overlay& overlay) const;
  void add_node(const std::string& path, std::int64_t owner, const std::string& data);
  void erase_node(const std::string& path);
  void changed(WatchKind kind, const std::string& path);

  const std::shared_ptr<Executor> executor_;
  std::minstd_rand random_;
  std::map<std::string, Node> nodes_;
  std::optional<std::map<std::string, Node>> saved_;
  std::int64_t saved_zxid_ = 0;
  std::int64_t zxid_ = 0;
  std::int64_t last_session_ = 0x100;
  std::set<std::int64_t> live_sessions_;
  std::vector<FakeSession*> sessions_;
  std::set<std::string> unreadable_;
  bool is_down_ = false;
  bool is_frozen_ = false;
  std::vector<std::function<void()>> stalled_;  // requests that came while frozen
  std::uint64_t reads_ = 0;
};

}  // namespace weir::discovery
