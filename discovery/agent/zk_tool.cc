#include <weir/discovery/zk_tool.h>

#include <weir/discovery/zookeeper_source.h>

#include "agent/arguments.h"
#include "agent/dialogue.h"
#include "agent/policy_edit.h"
#include "member/formats/format.h"
#include "member/reconcile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stdexcept>

namespace weir::discovery {
namespace {

using Command = ZkToolOptions::Command;

constexpr int kDone = 0, kRefused = 1, kNoAnswer = 2;

constexpr std::pair<std::string_view, Command> kCommands[] = {
    {"ls", Command::List},     {"show", Command::Show},       {"set-weight", Command::SetWeight},
    {"weight", Command::Weight}, {"drain", Command::Drain},   {"undrain", Command::Undrain},
    {"split", Command::Split}, {"freeze", Command::Freeze},   {"accept", Command::Accept},
};

/// Thrown when something that is there may not be read.
struct Unreadable {
  std::string path;
  Code code;
};

// The children of `path`; none if it does not exist.
Listing list_of(Dialogue& dialogue, const std::string& path) {
  Listing listing = dialogue.list(path);
  if (listing.code != Code::Ok && listing.code != Code::NoNode) throw Unreadable{path, listing.code};
  return listing;
}

struct Child {
  std::string name;
  NativeName meaning;
};

// The children of `directory` for `address`; all there are if it is empty.
std::vector<Child> children_for(Dialogue& dialogue, const std::string& directory, const std::string& address) {
  std::vector<Child> children;
  for (std::string& name : list_of(dialogue, directory).names) {
    DecodedName decoded = decode_name(name);
    if (decoded.name && decoded.name->address == address) children.push_back({std::move(name), std::move(*decoded.name)});
  }
  return children;
}

void print_directory(Dialogue& dialogue, const std::string& path, const char* kind) {
  std::vector<std::string> names = list_of(dialogue, path).names;
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const DecodedName decoded = decode_name(name);
    if (!decoded.name) {
      fmt::print("{:<8} {} (ignored: {})\n", kind, printable(name), to_string(decoded.error));
      continue;
    }
    const NativeName& member = *decoded.name;
    const char* const state = member.state == NativeName::State::Draining || member.weight == 0u ? " drain"
                              : member.state == NativeName::State::Starting                      ? " starting"
                                                                                                 : "";
    fmt::print("{:<8} {:<24} weight {}{}{}\n", kind, member.address, member.weight.value_or(100),
               member.tier > 0 ? " backup" : "", state);
  }
}

int list(Dialogue& dialogue, const ZkToolOptions& options) {
  const bool has_members = dialogue.exists(options.path + "/members").code == Code::Ok;
  const bool has_static = dialogue.exists(options.path + "/static").code == Code::Ok;
  if (!has_members && !has_static) {
    fmt::print(stderr, "weir zk: there is nothing under {}\n", options.path);
    return kRefused;
  }
  print_directory(dialogue, options.path + "/members", "member");
  print_directory(dialogue, options.path + "/static", "static");
  return kDone;
}

int report(Code code, const ZkToolOptions& options) {
  if (code == Code::Ok) {
    fmt::print("{} now has weight {}\n", options.match, *options.weight);
    return kDone;
  }
  fmt::print(stderr, "weir zk: {}: {}\n", options.match, to_string(code));
  return kRefused;
}

std::string with_weight(const Child& child, std::uint32_t weight) {
  NativeName name = child.meaning;
  name.weight = weight;
  return encode_name(name);
}

int set_weight(Dialogue& dialogue, const ZkToolOptions& options) {
  const std::string fixed = options.path + "/static", members = options.path + "/members";
  const std::vector<Child> by_hand = children_for(dialogue, fixed, options.match);
  const std::vector<Child> by_agent = children_for(dialogue, members, options.match);
  if (by_agent.empty() && by_hand.empty()) {
    fmt::print(stderr, "weir zk: {} is no member of {}\n", options.match, options.path);
    return kRefused;
  }
  Code code = Code::Ok;
  for (const Child& child : by_hand) {
    if (child.meaning.weight == *options.weight) continue;
    const Code renamed = dialogue.rename(fixed + "/" + child.name, fixed + "/" + with_weight(child, *options.weight));
    if (renamed != Code::Ok) code = renamed;
  }
  for (const Child& child : by_agent) {
    const Code written = dialogue.set(members + "/" + child.name, fmt::format("w={}", *options.weight), -1);
    if (written != Code::Ok && written != Code::NoNode) code = written;
  }
  if (code != Code::Ok) return report(code, options);
  const auto follows = [&](const Child& child) { return child.meaning.weight == *options.weight; };
  try {
    for (;;) {
      const std::vector<Child> now = children_for(dialogue, members, options.match);
      if (std::all_of(now.begin(), now.end(), follows)) return report(Code::Ok, options);
      dialogue.pause();
    }
  } catch (const NoAnswer&) {
    fmt::print(stderr, "weir zk: whoever registered {} does not follow the wish\n", options.match);
    return kRefused;
  }
}

// --- the policy, and what follows from it

MemberDirectory read_directory(Dialogue& dialogue, const std::string& path, Format format, bool is_outer) {
  const Listing listing = list_of(dialogue, path);
  DecodedDirectory directory;
  std::vector<WeightRule> rules;
  for (const std::string& name : listing.names) {
    FromName said = decode_child_name(format, name, {}, is_outer);
    std::vector<KnownMember> members = std::move(said.members);
    if (said.what == FromName::What::NeedsData) {
      FromData from_data = decode_child_data(format, name, dialogue.get(path + "/" + name).data, {});
      members = std::move(from_data.members);
      rules.insert(rules.end(), from_data.rules.begin(), from_data.rules.end());
    }
    for (KnownMember& member : members) directory.children.push_back({name, std::move(member)});
  }
  apply_weight_rules(rules, directory.children);
  directory.sort();
  const std::vector<std::int64_t> all_alike(directory.contested().size(), 0);
  return {.exists = listing.code == Code::Ok, .stat = listing.stat, .members = settle(std::move(directory), all_alike)};
}

// What a proxy that starts now would make of the registry, before the policy.
MemberList members_in(Dialogue& dialogue, const ZkToolOptions& options) {
  const Format format = format_of(options.format).value();
  Observation seen{.members = read_directory(dialogue, options.path + "/members", Format::Native, false),
                   .fixed = read_directory(dialogue, options.path + "/static", Format::Native, false)};
  if (format != Format::Native) seen.direct = read_directory(dialogue, options.path, format, true);
  return reconcile({}, seen, {}).members;
}

struct Present {
  Policy policy;
  std::optional<std::int32_t> version;  // nothing: there is no node
};

std::optional<Present> read_policy(Dialogue& dialogue, const std::string& path) {
  const NodeData node = dialogue.get(path);
  if (node.code == Code::NoNode) return Present{};
  if (node.code != Code::Ok) {
    fmt::print(stderr, "weir zk: {}: {}\n", path, to_string(node.code));
    return std::nullopt;
  }
  ParsedPolicy parsed = parse_policy(node.data);
  if (!parsed.policy) {
    fmt::print(stderr, "weir zk: the policy in {} is not valid ({}), and so not in force; write a valid one\n", path,
               parsed.error);
    return std::nullopt;
  }
  return Present{std::move(*parsed.policy), node.stat.version};
}

int show(Dialogue& dialogue, const ZkToolOptions& options) {
  const auto present = read_policy(dialogue, options.path + "/policy");
  if (!present) return kRefused;
  fmt::print("policy   {}\n", present->version ? format_policy(present->policy) : "none");
  const auto applied = apply_policy(present->policy, members_in(dialogue, options), std::chrono::system_clock::now(), {});
  for (const KnownMember& member : applied.members) fmt::print("member   {}\n", describe(member));
  return kDone;
}

int change_policy(Dialogue& dialogue, const ZkToolOptions& options) {
  const std::string path = options.path + "/policy";
  const auto present = read_policy(dialogue, path);
  if (!present) return kRefused;
  const WallTime now = std::chrono::system_clock::now();
  const Policy wanted = edit_policy(present->policy, options, now);
  const std::string text = format_policy(wanted);
  if (const ParsedPolicy parsed = parse_policy(text); !parsed.policy) {
    fmt::print(stderr, "weir zk: that policy would not be valid: {}\n", parsed.error);
    return kRefused;
  }
  const MemberList members = members_in(dialogue, options);
  const auto before = apply_policy(present->policy, members, now, {}), after = apply_policy(wanted, members, now, {});
  for (const std::string& line : differences(before.members, after.members)) fmt::print("{}\n", line);
  if (wanted == present->policy) {
    fmt::print("the policy stays as it is\n");
    return kDone;
  }
  fmt::print("policy {} {}\n", options.dry_run ? "would be" : "is now", text);
  if (options.dry_run) return kDone;
  const Code code = present->version ? dialogue.set(path, text, *present->version) : dialogue.create(path, text);
  if (code == Code::Ok) return kDone;
  const bool is_raced = code == Code::BadVersion || code == Code::NodeExists;
  fmt::print(stderr, "weir zk: {}: {}, nothing was written\n", path, is_raced ? "changed by somebody else" : to_string(code));
  return kRefused;
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
      if (known == std::end(kCommands) || std::exchange(has_command, true))
        throw std::invalid_argument("unexpected argument \"" + std::string(*argument) + "\"");
      options.command = known->second;
    }
    if (options.help) return true;
    if (!has_command) throw std::invalid_argument("no command given, expected ls or another of those in --help");
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

int run_zk_tool(const ZkToolOptions& options) {
  try {
    Dialogue dialogue(options.servers, options.timeout, options.auth);
    switch (options.command) {
      case Command::List: return list(dialogue, options);
      case Command::Show: return show(dialogue, options);
      case Command::SetWeight: return set_weight(dialogue, options);
      default: return change_policy(dialogue, options);
    }
  } catch (const Unreadable& what) {
    fmt::print(stderr, "weir zk: {}: {}\n", what.path, to_string(what.code));
    return kRefused;
  } catch (const NoAnswer&) {
    std::string servers;
    for (const std::string& server : options.servers) servers += (servers.empty() ? "" : ",") + server;
    fmt::print(stderr, "weir zk: no answer from {} in time\n", servers);
    return kNoAnswer;
  }
}

}  // namespace weir::discovery
