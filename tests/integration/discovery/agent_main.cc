// `weir agent` and `weir zk` without the rest of Weir.

#include <weir/discovery/agent.h>
#include <weir/discovery/zk_tool.h>

#include <cstdio>
#include <cstring>
#include <string>

int main(int argc, char** argv) {
  using namespace weir::discovery;
  if (argc < 2) return 1;
  const std::span<char*> args(argv + 2, static_cast<std::size_t>(argc - 2));
  std::string error;
  AgentOptions agent;
  ZkToolOptions tool;
  const bool is_agent = std::strcmp(argv[1], "agent") == 0;
  if (!(is_agent ? parse_agent_arguments(args, agent, error) : parse_zk_tool_arguments(args, tool, error))) {
    std::fprintf(stderr, "weir %s: %s\n", argv[1], error.c_str());
    return 1;
  }
  return is_agent ? run_agent(agent) : run_zk_tool(tool);
}
