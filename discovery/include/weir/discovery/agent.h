// `weir agent`: announces one address as a member of an upstream for as long as it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::discovery {

/// What `weir agent` was asked to do.
struct AgentOptions {
  enum class Check { None, Tcp };

  std::vector<std::string> servers;  ///< --zk
  std::string path;                  ///< --path, such as /weir/backend
  std::string address;               ///< --address, `ip:port`
  std::uint32_t weight = 100;        ///< --weight
  bool backup = false;               ///< --backup
  Check check = Check::None;         ///< --check: register only while the address accepts connections
  std::chrono::milliseconds check_interval{1000};   ///< --check-interval
  std::chrono::milliseconds drain{5000};            ///< --drain: time between the announcement of leaving and leaving
  std::chrono::milliseconds session_timeout{6000};  ///< --session
  bool help = false;                                ///< --help was given; nothing else need be
};

/// Reads the arguments after the word `agent`.
/// Returns whether they are complete and valid; if not, `error` says what is wrong, in one line.
bool parse_agent_arguments(std::span<char*> args, AgentOptions& options, std::string& error);

/// The text of `weir agent --help`.
std::string agent_help();

/// Registers the address and keeps it registered until SIGTERM or SIGINT; then announces the draining, waits, removes
/// the member and returns. A second signal cuts the wait short. Writes what happens to standard error.
///
/// Call it from the main thread before any other thread exists: it takes SIGTERM and SIGINT for the whole process.
/// Returns the exit code of the process.
int run_agent(const AgentOptions& options);

}  // namespace weir::discovery
