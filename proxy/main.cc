// weir: arguments in, exit code out.
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include <weir/discovery/agent.h>
#include <weir/discovery/zk_tool.h>

#include "server/reference.h"
#include "server/server.h"
#include "server/sim_command.h"

namespace {

int run_agent(std::span<char*> words) {
  weir::discovery::AgentOptions options;
  std::string error;
  if (!weir::discovery::parse_agent_arguments(words, options, error)) {
    std::cerr << "weir agent: " << error << "; see weir agent --help\n";
    return 1;
  }
  if (options.help) {
    std::cout << weir::discovery::agent_help();
    return 0;
  }
  return weir::discovery::run_agent(options);
}

int run_zk(std::span<char*> words) {
  weir::discovery::ZkToolOptions options;
  std::string error;
  if (!weir::discovery::parse_zk_tool_arguments(words, options, error)) {
    std::cerr << "weir zk: " << error << "; see weir zk --help\n";
    return 1;
  }
  if (options.help) {
    std::cout << weir::discovery::zk_tool_help();
    return 0;
  }
  return weir::discovery::run_zk_tool(options);
}

}  // namespace

int main(int count, char** words) {
  const std::span<char*> arguments(words + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0));
  const std::string_view command = arguments.empty() ? std::string_view() : arguments[0];
  if (command == "agent") return run_agent(arguments.subspan(1));
  if (command == "zk") return run_zk(arguments.subspan(1));
  if (command == "sim") return weir::server::run_sim(arguments.subspan(1));
  if (command == "--print-directives") {  // for conf/DIRECTIVES.md; no option of users
    std::cout << weir::server::reference_markdown();
    return std::cout.flush() ? 0 : 1;
  }
  return weir::server::run_server(arguments);
}
