#include "server/sim_command.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include <weir/balancer/simulation.h>

namespace weir::server {

namespace {

constexpr std::string_view kHelp =
    "usage: weir sim [--json] FILE     (- reads the scenario from standard input)\n"
    "\n"
    "Runs a balancing method on a virtual clock with the backends and failures that FILE describes, and prints what each\n"
    "backend got, how long requests took and how many were misrouted. The same file gives the same output. See\n"
    "balancer/README.md for the form of the file.\n";

int complain(const std::string& message) {
  std::cerr << "weir sim: " << message << '\n';
  return 1;
}

}  // namespace

int run_sim(std::span<char*> words) {
  bool json = false;
  std::string path;
  for (const std::string_view word : words) {
    if (word == "-h" || word == "--help") {
      std::cout << kHelp;
      return 0;
    }
    if (word == "--json") json = true;
    else if (word.size() > 1 && word.starts_with('-')) return complain("invalid option: \"" + std::string(word) + "\"");
    else if (!path.empty()) return complain("one scenario at a time");
    else path = word;
  }
  if (path.empty()) return complain("which scenario? See --help");
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream file(path);
    if (!file) return complain("cannot read " + path);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  try {
    const balancer::SimulationReport report = balancer::simulate(balancer::Scenario::parse(text));
    std::cout << (json ? report.json() : report.table());
  } catch (const balancer::ScenarioError& error) {
    return complain(path + ": " + error.what());
  }
  return std::cout.flush() ? 0 : 1;
}

}  // namespace weir::server
