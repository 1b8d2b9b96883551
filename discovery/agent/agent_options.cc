#include <weir/discovery/agent.h>

#include "agent/arguments.h"

#include <algorithm>
#include <stdexcept>

namespace weir::discovery {
namespace {

void apply(std::string_view option, Arguments& arguments, AgentOptions& options) {
  if (option == "--zk") options.servers = servers_argument(arguments.value());
  else if (option == "--path") options.path = path_argument(arguments.value());
  else if (option == "--address") options.address = address_argument(arguments.value());
  else if (option == "--weight") options.weight = weight_argument(arguments.value());
  else if (option == "--check-interval") options.check_interval = time_argument(arguments.value());
  else if (option == "--check-timeout") options.check_timeout = time_argument(arguments.value());
  else if (option == "--rise") options.rise = count_argument(arguments.value(), 1000);
  else if (option == "--fall") options.fall = count_argument(arguments.value(), 1000);
  else if (option == "--stop-timeout") options.stop_timeout = time_argument(arguments.value());
  else if (option == "--auth") options.auth = auth_argument(arguments.value());
  else if (option == "--drain") options.drain = time_argument(arguments.value());
  else if (option == "--session") options.session_timeout = time_argument(arguments.value());
  else if (option == "--backup") options.backup = true;
  else if (option == "--help" || option == "-h") options.help = true;
  else if (option == "--check") {
    const std::string check = arguments.value();
    if (check == "none") options.check = AgentOptions::Check::None;
    else if (check == "tcp") options.check = AgentOptions::Check::Tcp;
    else if (check == "http") options.check = AgentOptions::Check::Http;
    else throw std::invalid_argument("invalid check \"" + check + "\", expected none, tcp or http");
  } else if (option == "--check-path") {
    options.check_path = arguments.value();
    const auto is_bad = [](char c) { return c <= 0x20 || c >= 0x7f; };
    if (!options.check_path.starts_with('/') || std::any_of(options.check_path.begin(), options.check_path.end(), is_bad))
      throw std::invalid_argument("invalid path of the check, expected one like /health");
  } else {
    throw std::invalid_argument("unknown option \"" + std::string(option) + "\"");
  }
  arguments.no_value();
}

void require_complete(const AgentOptions& options) {
  if (options.servers.empty()) throw std::invalid_argument("option --zk is required");
  if (options.path.empty()) throw std::invalid_argument("option --path is required");
  if (options.address.empty()) throw std::invalid_argument("option --address is required");
  if (options.session_timeout.count() == 0) throw std::invalid_argument("option --session must not be 0");
  if (options.check_interval.count() == 0) throw std::invalid_argument("option --check-interval must not be 0");
  if (options.check_timeout.count() == 0) throw std::invalid_argument("option --check-timeout must not be 0");
}

}  // namespace

bool parse_agent_arguments(std::span<char*> args, AgentOptions& options, std::string& error) {
  try {
    const auto separator = std::find_if(args.begin(), args.end(), [](const char* word) { return std::string_view(word) == "--"; });
    if (separator != args.end()) {
      options.command.assign(separator + 1, args.end());
      if (options.command.empty()) throw std::invalid_argument("no command after --");
    }
    Arguments arguments(args.first(static_cast<std::size_t>(separator - args.begin())));
    while (const auto option = arguments.next()) apply(*option, arguments, options);
    if (!options.help) require_complete(options);
    return true;
  } catch (const std::invalid_argument& wrong) {
    error = wrong.what();
    return false;
  }
}

std::string agent_help() {
  return "Usage: weir agent --zk HOST[:PORT][,...] --path PATH --address IP:PORT [options] [-- COMMAND ...]\n"
         "\n"
         "Registers IP:PORT as a member of the upstream kept under PATH in ZooKeeper, and keeps it registered.\n"
         "On SIGTERM, SIGINT or SIGHUP: announces that it is draining, waits, removes the member, exits.\n"
         "\n"
         "  --zk LIST             servers of the ensemble, comma-separated; port 2181 if none is given\n"
         "  --path PATH           the upstream, such as /weir/backend; made if it does not exist\n"
         "  --address IP:PORT     where the service listens; [IPV6]:PORT too\n"
         "  --weight N            share of the traffic, 0 to 65535 (default 100; 0: none)\n"
         "  --backup              used only when no other member can be\n"
         "  --check none|tcp|http tcp: registered only while the address accepts connections; http: while it\n"
         "                        answers a GET with 2xx or 3xx (default none)\n"
         "  --check-path PATH     what to GET (default /)\n"
         "  --check-interval TIME how often to check (default 1s)\n"
         "  --check-timeout TIME  for one check (default 500ms)\n"
         "  --rise N, --fall N    passes that make it up, failures that make it down (default 1 and 3)\n"
         "  --drain TIME          between announcing the end and leaving (default 5s)\n"
         "  --session TIME        session timeout asked of ZooKeeper (default 6s)\n"
         "  --auth digest:FILE    who we are; FILE holds user:password. The node is then ours alone\n"
         "  --stop-timeout TIME   how long COMMAND may take to end before it is killed (default 10s)\n"
         "  --help                this text\n"
         "\n"
         "With COMMAND: runs it as a child, registers while it runs (and passes the check), drains before it ends it,\n"
         "and exits as it did.\n"
         "\n"
         "TIME is such as 500ms, 5s or 2m.\n";
}

}  // namespace weir::discovery
