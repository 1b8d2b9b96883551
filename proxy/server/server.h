// The running server: the control thread's side of everything.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "log/log_file.h"
#include "server/configuration.h"
#include "server/listen_sockets.h"
#include "server/pid_file.h"
#include "server/process.h"
#include "server/upstreams.h"
#include "server/worker.h"

namespace weir::server {

/// Starts, reloads and ends workers. Everything is called by the control thread.
class Server {
 public:
  Server(CommandLine arguments, Paths paths);
  /// Ends the workers, if run() has not.
  ~Server();

  /// Puts `configuration` into force for the first time: logs, sockets, pid file, user, workers.
  /// Throws std::runtime_error with a text for the user.
  void start(Configuration configuration);

  /// Serves until a signal ends it. Returns the exit code.
  int run();

 private:
  void reload();
  void take_new_configuration();
  void reopen_logs();
  void await_members();
  void begin_end(bool graceful);
  /// Gives what is about to come into force its number.
  void number(const Configuration& configuration);
  bool all_ended() const;

  /// Where the pid file is to be.
  const std::string& pid_path(const MainConf& conf) const;
  std::shared_ptr<log::ErrorLog> open_error_log(const MainConf& conf);
  std::vector<std::pair<std::string, std::shared_ptr<log::LogFile>>> open_access_logs(
      const Configuration& configuration);
  /// Binds what `configuration` listens on. Throws.
  ListenSockets bind(const Configuration& configuration);
  /// Puts the upstreams of `configuration` into force.
  void commit_upstreams(const Configuration& configuration);
  /// Gives every worker its plan and waits until all have taken it.
  void distribute(const Configuration& configuration, const ListenSockets& sockets);

  const CommandLine arguments_;
  const Paths paths_;
  log::LogFiles log_files_;
  std::shared_ptr<log::ErrorLog> error_log_;
  Configuration current_;
  ListenSockets sockets_;
  PidFile pid_file_;
  Upstreams http_upstreams_, stream_upstreams_;
  std::atomic<std::uint64_t> connection_serial_{0};
  http::ProcessCounters counters_;  // of workers_
  net::AddressQuota udp_sessions_;
  struct Control;
  std::unique_ptr<Control> control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::pair<std::string, std::shared_ptr<log::LogFile>>> access_logs_;
  std::uint64_t generation_ = 0;
  unsigned worker_count_ = 1;
  std::atomic<bool> ending_{false};
};

/// The whole program but for the choice of sub-command. Returns the exit code.
int run_server(std::span<char* const> arguments);

}  // namespace weir::server
