// `weir agent`: announces one address as a member of an upstream for as long as it runs.
#pragma once

#include <weir/discovery/zookeeper_clients.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::discovery {

/// What `weir agent` was asked to do.
struct AgentOptions {
  enum class Check { None, Tcp, Http };

  std::vector<std::string> servers;  ///< --zk
  std::string path;                  ///< --path, such as /weir/backend
  std::string address;               ///< --address, `ip:port`
  std::uint32_t weight = 100;        ///< --weight
  bool backup = false;               ///< --backup
  Check check = Check::None;         ///< --check: register only while the address serves
  std::string check_path = "/";      ///< --check-path, for Http: answered with 2xx or 3xx
  std::chrono::milliseconds check_interval{1000};   ///< --check-interval
  std::chrono::milliseconds check_timeout{500};     ///< --check-timeout
  int rise = 1;                                     ///< --rise: passes in a row that make it up
  int fall = 3;                                     ///< --fall: failures in a row that make it down
  std::chrono::milliseconds drain{5000};            ///< --drain: time between the announcement of leaving and leaving
  std::chrono::milliseconds session_timeout{6000};  ///< --session
  std::chrono::milliseconds stop_timeout{10'000};   ///< --stop-timeout: between SIGTERM and SIGKILL to the command
  ZooKeeperAuth auth{};                             ///< --auth
  std::vector<std::string> command{};               ///< what follows `--`: run as a child, registered while it runs
  bool help = false;                                ///< --help was given; nothing else need be
};

/// Reads the arguments after the word `agent`.
/// Returns whether they are complete and valid; if not, `error` says what is wrong, in one line.
bool parse_agent_arguments(std::span<char*> args, AgentOptions& options, std::string& error);

/// The text of `weir agent --help`.
std::string agent_help();

/// Registers the address and keeps it registered until SIGTERM or SIGINT; then announces the draining, waits, removes
/// the member, ends the command if there is one, and returns. A second signal cuts the wait short. A command that ends by
/// itself ends the agent. Writes what happens to standard error.
///
/// Call it from the main thread before any other thread exists: it takes SIGTERM, SIGINT and SIGCHLD for the whole
/// process. Returns the exit code of the process: that of the command if there is one, 127 if it cannot be run.
int run_agent(const AgentOptions& options);

}  // namespace weir::discovery
