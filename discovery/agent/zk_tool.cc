#include <weir/discovery/zk_tool.h>

#include <weir/discovery/zookeeper_source.h>

#include "agent/dialogue.h"
#include "agent/policy_edit.h"
#include "member/formats/format.h"
#include "member/reconcile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

namespace weir::discovery {
namespace {

using Command = ZkToolOptions::Command;

constexpr int kDone = 0, kRefused = 1, kNoAnswer = 2;

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
  for (std::string& name : list_of(dialogue, directory).names.strings()) {
    DecodedName decoded = decode_name(name);
    if (decoded.name && decoded.name->address == address) children.push_back({std::move(name), std::move(*decoded.name)});
  }
  return children;
}

void print_directory(Dialogue& dialogue, const std::string& path, const char* kind) {
  std::vector<std::string> names = list_of(dialogue, path).names.strings();
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
  for (const std::string& name : listing.names.strings()) {
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

}  // namespace

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
