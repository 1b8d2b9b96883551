// Questions to an ensemble, one at a time, each waited for: for commands.
#pragma once

#include "session/zookeeper_client.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

/// Thrown when the ensemble has not answered in time.
struct NoAnswer {};

/// All questions together have one deadline. Thread safety: none.
class Dialogue {
 public:
  Dialogue(const std::vector<std::string>& servers, std::chrono::milliseconds timeout, ZooKeeperAuth auth);
  ~Dialogue();

  Listing list(const std::string& path);
  Existence exists(const std::string& path);
  NodeData get(const std::string& path);
  Code set(const std::string& path, const std::string& data, std::int32_t version);
  Code create(const std::string& path, const std::string& data);
  /// Deletes one node and makes the other, in one step.
  Code rename(const std::string& from, const std::string& to);
  /// Waits a moment.
  void pause();

 private:
  template <class Result>
  Result ask(const std::function<void(Session&, Session::Done<Result>)>& question);

  const TimePoint deadline_;
  std::shared_ptr<ZooKeeperClient> client_;
};

}  // namespace weir::discovery
