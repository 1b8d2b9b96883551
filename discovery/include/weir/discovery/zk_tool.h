// `weir zk`: looks at and changes what is kept in ZooKeeper, by hand.
#pragma once

#include <weir/discovery/zookeeper_clients.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::discovery {

/// What `weir zk` was asked to do.
struct ZkToolOptions {
  enum class Command { List, Show, SetWeight, Weight, Drain, Undrain, Split, Freeze, Accept };

  Command command = Command::List;
  std::vector<std::string> servers{};   ///< --zk
  std::string path{};                   ///< --path, such as /weir/backend
  std::string match{};                  ///< --address or --match, in canonical form
  std::optional<std::uint32_t> weight{};  ///< --weight
  std::optional<double> percent{};        ///< --percent
  std::optional<std::chrono::milliseconds> duration{};  ///< --for
  std::string format = "auto";          ///< --format, of the nodes right below the path
  bool off = false;                     ///< --off: takes back what the command does
  bool dry_run = false;                 ///< --dry-run: prints what would change and writes nothing
  ZooKeeperAuth auth{};                 ///< --auth
  std::chrono::milliseconds timeout{5000};  ///< --timeout, for the whole command
  bool help = false;
};

/// Reads the arguments after the word `zk`.
/// Returns whether they are complete and valid; if not, `error` says what is wrong, in one line.
bool parse_zk_tool_arguments(std::span<char*> args, ZkToolOptions& options, std::string& error);

/// The text of `weir zk --help`.
std::string zk_tool_help();

/// `ls` prints one member a line, as the registry states them; `show` the policy and the members that follow from both.
///
/// `set-weight` changes a static member itself; a member registered by an agent belongs to the agent's session, so the
/// wish is written into the node and the agent follows it: the command waits until it has.
/// The others change the policy, which all proxies obey, if nobody else has changed it meanwhile; they print what that
/// changes in the membership.
/// Returns the exit code of the process: 0 done, 1 refused or not found, 2 the ensemble did not answer.
int run_zk_tool(const ZkToolOptions& options);

}  // namespace weir::discovery
