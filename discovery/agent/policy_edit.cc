#include "agent/policy_edit.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::discovery {
namespace {

using Command = ZkToolOptions::Command;

void remove_rules(Policy& policy, const std::string& match, bool drains) {
  std::erase_if(policy.rules, [&](Policy::Rule& rule) {
    if (rule.match != match) return false;
    // A rule may do both; what was not meant stays.
    if (drains) {
      rule.drain = false;
      if (rule.weight == 0u) rule.weight.reset();
    } else {
      rule.weight.reset();
    }
    return !rule.drain && !rule.weight;
  });
}

std::string state_of(const KnownMember& member) {
  std::string text = fmt::format("weight {}", member.weight);
  if (member.backup) text += " backup";
  if (member.down) text += " down";
  if (member.draining) text += " drain";
  return text;
}

}  // namespace

Policy edit_policy(Policy policy, const ZkToolOptions& options, WallTime now) {
  std::optional<WallTime> until;
  if (options.duration) {
    until = std::chrono::time_point_cast<std::chrono::seconds>(now + *options.duration + std::chrono::milliseconds(999));
  }
  switch (options.command) {
    case Command::Weight:
      remove_rules(policy, options.match, false);
      if (!options.off) policy.rules.push_back({.match = options.match, .weight = options.weight, .until = until});
      break;
    case Command::Drain:
      remove_rules(policy, options.match, true);
      policy.rules.push_back({.match = options.match, .drain = true, .until = until});
      break;
    case Command::Undrain: remove_rules(policy, options.match, true); break;
    case Command::Split:
      std::erase_if(policy.split, [&](const Policy::Split& split) { return split.match == options.match; });
      if (!options.off) policy.split.push_back({options.match, options.percent.value_or(0)});
      break;
    case Command::Freeze: policy.freeze = !options.off; break;
    case Command::Accept:
      // Any number will do that was not there before.
      policy.accept = std::max<std::int64_t>(
          policy.accept + 1, std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
      break;
    case Command::List:
    case Command::Show:
    case Command::SetWeight: break;
  }
  return policy;
}

std::string describe(const KnownMember& member) {
  return fmt::format("{:<24} {}{}{}", member.address, state_of(member), member.facts.empty() ? "" : " ", member.facts);
}

std::vector<std::string> differences(const MemberList& before, const MemberList& after) {
  std::vector<std::string> lines;
  for_each_difference(
      before, after, [&](const KnownMember& left) { lines.push_back("- " + describe(left)); },
      [&](const KnownMember& joined) { lines.push_back("+ " + describe(joined)); },
      [&](const KnownMember& a, const KnownMember& b) {
        if (state_of(a) == state_of(b)) return;
        lines.push_back(fmt::format("~ {:<24} {} -> {}", a.address, state_of(a), state_of(b)));
      });
  return lines;
}

}  // namespace weir::discovery
