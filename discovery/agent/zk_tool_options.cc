#include <weir/discovery/zk_tool.h>

#include "agent/arguments.h"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace weir::discovery {
namespace {

using Command = ZkToolOptions::Command;

constexpr std::pair<std::string_view, Command> kCommands[] = {
    {"ls", Command::List},     {"show", Command::Show},       {"set-weight", Command::SetWeight},
    {"weight", Command::Weight}, {"drain", Command::Drain},   {"undrain", Command::Undrain},
    {"split", Command::Split}, {"freeze", Command::Freeze},   {"accept", Command::Accept},
};

std::string all_commands() {
  std::string all;
  for (const auto& [name, command] : kCommands) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void apply(std::string_view option, Arguments& arguments, ZkToolOptions& options) {
  if (option == "--zk") options.servers = servers_argument(arguments.value());
  else if (option == "--path") options.path = path_argument(arguments.value());
  else if (option == "--address") options.match = member_argument(arguments.value());
  else if (option == "--match") options.match = match_argument(arguments.value());
  else if (option == "--weight") options.weight = weight_argument(arguments.value());
  else if (option == "--percent") options.percent = percent_argument(arguments.value());
  else if (option == "--for") options.duration = time_argument(arguments.value());
  else if (option == "--format") options.format = format_argument(arguments.value());
  else if (option == "--auth") options.auth = auth_argument(arguments.value());
  else if (option == "--timeout") options.timeout = time_argument(arguments.value());
  else if (option == "--off") options.off = true;
  else if (option == "--dry-run") options.dry_run = true;
  else if (option == "--help" || option == "-h") options.help = true;
  else throw std::invalid_argument("unknown option \"" + std::string(option) + "\"");
  arguments.no_value();
}

void require_complete(const ZkToolOptions& options) {
  const auto is = [&](std::initializer_list<Command> commands) {
    return std::find(commands.begin(), commands.end(), options.command) != commands.end();
  };
  const auto require = [](bool is_there, const char* what) {
    if (!is_there) throw std::invalid_argument(what);
  };
  require(!options.servers.empty(), "option --zk is required");
  require(!options.path.empty(), "option --path is required");
  require(options.timeout.count() != 0, "option --timeout must not be 0");
  const bool by_match = is({Command::Weight, Command::Drain, Command::Undrain, Command::Split});
  require(!by_match || !options.match.empty(), "option --address or --match is required");
  require(options.command != Command::SetWeight || (!options.match.empty() && options.weight),
          "set-weight requires --address and --weight");
  require(options.command != Command::SetWeight || options.match.find('=') == std::string::npos,
          "set-weight requires an address");
  require(options.command != Command::Weight || options.weight || options.off, "weight requires --weight or --off");
  require(options.command != Command::Split || options.percent || options.off, "split requires --percent or --off");
  require(!options.off || is({Command::Weight, Command::Split, Command::Freeze}), "only weight, split and freeze take --off");
  require(!options.duration || is({Command::Weight, Command::Drain}), "only weight and drain take --for");
  require(!options.dry_run || options.command != Command::SetWeight, "set-weight changes no policy to try");
}

}  // namespace

bool parse_zk_tool_arguments(std::span<char*> args, ZkToolOptions& options, std::string& error) {
  try {
    Arguments arguments(args);
    bool has_command = false;
    while (const auto argument = arguments.next()) {
      if (argument->starts_with("-")) {
        apply(*argument, arguments, options);
        continue;
      }
      const auto known = std::find_if(std::begin(kCommands), std::end(kCommands),
                                      [&](const auto& command) { return command.first == *argument; });
      if (std::exchange(has_command, true))
        throw std::invalid_argument("unexpected argument \"" + std::string(*argument) + "\"");
      if (known == std::end(kCommands))
        throw std::invalid_argument("unknown command \"" + std::string(*argument) + "\", expected one of " + all_commands());
      options.command = known->second;
    }
    if (options.help) return true;
    if (!has_command) throw std::invalid_argument("no command given, expected one of " + all_commands());
    require_complete(options);
    return true;
  } catch (const std::invalid_argument& wrong) {
    error = wrong.what();
    return false;
  }
}

std::string zk_tool_help() {
  return "Usage: weir zk COMMAND --zk HOST[:PORT][,...] --path PATH [options]\n"
         "\n"
         "Shows and changes the upstream kept under PATH in ZooKeeper.\n"
         "\n"
         "  ls          the members, as the registry states them\n"
         "  show        the policy, and the members that follow from it\n"
         "  set-weight  --address A --weight N: changes the node itself, or asks the agent that owns it to\n"
         "\n"
         "and by the policy, which all proxies obey at once and which wins over what members say:\n"
         "\n"
         "  weight      --address A | --match M, --weight N [--for TIME], or --off\n"
         "  drain       --address A | --match M [--for TIME]: nothing new to those\n"
         "  undrain     --address A | --match M\n"
         "  split       --match M --percent P, or --off: so much of the traffic to those that match\n"
         "  freeze      the membership stays as it is, whatever the registry says; --off ends it\n"
         "  accept      what the registry says now is true: members that are only held are let go\n"
         "\n"
         "  --match KEY=VALUE   such as z=eu-1b, v=2026.1 or l.rack=7\n"
         "  --dry-run           print what would change, write nothing\n"
         "  --format FORMAT     of the nodes right below PATH, as for zk_format (default auto)\n"
         "  --auth digest:FILE  who we are; the file holds user:password\n"
         "  --timeout TIME      for the whole command, such as 500ms or 5s (default 5s)\n"
         "  --help              this text\n";
}

}  // namespace weir::discovery
