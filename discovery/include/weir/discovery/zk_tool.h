// `weir zk`: looks at and changes the members kept in ZooKeeper, by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::discovery {

/// What `weir zk` was asked to do.
struct ZkToolOptions {
  enum class Command { List, SetWeight };

  Command command = Command::List;   ///< `ls` or `set-weight`
  std::vector<std::string> servers;  ///< --zk
  std::string path;                  ///< --path, such as /weir/backend
  std::string address;               ///< --address, `ip:port`; set-weight only
  std::uint32_t weight = 0;          ///< --weight; set-weight only
  std::chrono::milliseconds timeout{5000};  ///< --timeout, for the whole command
  bool help = false;
};

/// Reads the arguments after the word `zk`.
/// Returns whether they are complete and valid; if not, `error` says what is wrong, in one line.
bool parse_zk_tool_arguments(std::span<char*> args, ZkToolOptions& options, std::string& error);

/// The text of `weir zk --help`.
std::string zk_tool_help();

/// `ls` prints one member a line to standard output. `set-weight` changes a static member itself; a member registered
/// by an agent belongs to the agent's session, so the wish is written into the node and the agent follows it: the
/// command waits until it has.
/// Returns the exit code of the process: 0 done, 1 refused or not found, 2 the ensemble did not answer.
int run_zk_tool(const ZkToolOptions& options);

}  // namespace weir::discovery
