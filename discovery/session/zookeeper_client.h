// The shared client of one ensemble: a thread, and on it an Ensemble over CClient sessions.
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "session/ensemble.h"
#include "session/thread_executor.h"

namespace weir::discovery {

/// Thread safety: all functions from any thread; what they hand out belongs to the executor.
class ZooKeeperClient {
 public:
  /// Starts at once. When the last owner lets go the session is closed and the thread ends, even if that owner is a task
  /// on that very thread.
  static std::shared_ptr<ZooKeeperClient> make(std::vector<ServerAddress> servers,
                                               std::chrono::milliseconds session_timeout, LogFunction log,
                                               ZooKeeperAuth auth = {});

  Executor& executor() { return *executor_; }
  /// For whoever may still hold on to it when the client is gone: then it runs nothing any more.
  std::shared_ptr<Executor> shared_executor() { return executor_; }
  /// Where work may wait for a disk. To be called on the executor; what was posted is done before the client is gone.
  std::shared_ptr<Executor> disk();
  /// Runs `task` with the ensemble on its executor and waits until it is done; directly if called there.
  void run(const std::function<void(Ensemble&)>& task);

 private:
  ZooKeeperClient() = default;
  ~ZooKeeperClient();

  std::shared_ptr<ThreadExecutor> executor_;
  std::shared_ptr<ThreadExecutor> disk_;  // made when first asked for
  std::unique_ptr<Ensemble> ensemble_;
};

}  // namespace weir::discovery
