#include "member/policy.h"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskHealthEvery = 1s;

std::optional<std::pair<std::string_view, std::string_view>> key_and_value(std::string_view match) {
  const std::size_t equals = match.find('=');
  if (equals == match.npos) return std::nullopt;
  return std::pair{match.substr(0, equals), match.substr(equals + 1)};
}

bool is_key_of_facts(std::string_view key) {
  return key == "z" || key == "v" || key == "i" || key == "p" || (key.starts_with("l.") && is_valid_key(key));
}

bool takes_traffic(const KnownMember& member) { return !member.draining && !member.down; }

void apply_rules(const Policy& policy, KnownMembers& members, WallTime now, AppliedPolicy& result) {
  for (const Policy::Rule& rule : policy.rules) {
    if (rule.until) {
      if (*rule.until <= now) continue;
      // Not longer ahead than an hour: the wall clock may be set meanwhile.
      const auto wait = std::min<std::chrono::milliseconds>(
          std::chrono::duration_cast<std::chrono::milliseconds>(*rule.until - now) + 1ms, 1h);
      if (!result.look_again || wait < *result.look_again) result.look_again = wait;
    }
    for (KnownMember& member : members) {
      if (!matches(rule.match, member)) continue;
      if (rule.drain) member.draining = true;
      if (!rule.weight) continue;
      member.draining = rule.drain || *rule.weight == 0;
      member.weight = std::max<std::uint32_t>(1, *rule.weight);
    }
  }
}

void apply_split(const Policy& policy, KnownMembers& members) {
  if (policy.split.empty()) return;
  const std::size_t rest = policy.split.size();
  std::vector<double> weights(rest + 1, 0.0), shares(rest + 1, 0.0);
  std::vector<std::size_t> part_of(members.size(), rest);
  shares[rest] = 100;
  for (std::size_t i = 0; i < rest; ++i) {
    shares[i] = policy.split[i].percent;
    shares[rest] -= shares[i];
  }
  for (std::size_t m = 0; m < members.size(); ++m) {
    for (std::size_t i = rest; i-- > 0;) {
      if (matches(policy.split[i].match, members[m])) part_of[m] = i;
    }
    if (takes_traffic(members[m]) && !members[m].backup) weights[part_of[m]] += members[m].weight;
  }
  double most = 0;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::size_t part = part_of[m];
    if (takes_traffic(members[m]) && !members[m].backup && weights[part] > 0)
      most = std::max(most, members[m].weight * shares[part] / weights[part]);
  }
  if (most <= 0) return;  // all who are named for some traffic are missing: better the rest than nobody
  const double scale = balancer::kMaxWeight / most;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::size_t part = part_of[m];
    if (!takes_traffic(members[m]) || members[m].backup) continue;
    if (shares[part] <= 0) {
      members[m].draining = true;
      continue;
    }
    const double weight = members[m].weight * shares[part] / weights[part] * scale;
    members[m].weight = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(weight)));
  }
}

void apply_backup_below(const Policy& policy, KnownMembers& members, const HealthWitness& health, AppliedPolicy& result) {
  if (policy.backup_below <= 0) return;
  double all = 0, working = 0;
  for (const KnownMember& member : members) {
    if (member.backup) continue;
    all += member.weight;
    if (takes_traffic(member) && (!health || health(member.address) != Health::Failing)) working += member.weight;
  }
  if (health && (!result.look_again || *result.look_again > kAskHealthEvery)) result.look_again = kAskHealthEvery;
  if (working >= policy.backup_below * all) return;
  for (KnownMember& member : members) member.backup = false;
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  if (copy.size() != 20 || copy.find('\0') != copy.npos) return std::nullopt;
  const char* const end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  const std::time_t seconds = timegm(&parts);
  // The clock counts nanoseconds, so it ends in the year 2262.
  const auto last = std::chrono::floor<std::chrono::seconds>(WallTime::max()).time_since_epoch();
  if (seconds < 0 || seconds > last.count()) return std::nullopt;
  const WallTime time = std::chrono::system_clock::from_time_t(seconds);
  if (format_time(time) != text) return std::nullopt;
  return time;
}

std::string format_time(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

bool is_valid_match(std::string_view match) {
  if (match.empty() || match.size() > kLongestName) return false;
  if (const auto pair = key_and_value(match)) return is_key_of_facts(pair->first) && !pair->second.empty();
  NameError error{};
  return match.find('\0') == match.npos && canonical_member_address(match, error).has_value();
}

std::string canonical_match(std::string_view match) {
  if (const auto pair = key_and_value(match)) {
    // What is escaped already must stay as it is: policies are read, changed and written again.
    const bool may_be_escaped = pair->second.find(',') == pair->second.npos;
    const std::string plain = may_be_escaped ? zone_of("z=" + std::string(pair->second)) : std::string();
    return std::string(pair->first) + "=" + escape_value(plain.empty() ? pair->second : plain);
  }
  NameError error{};
  return canonical_member_address(match, error).value_or(std::string(match));
}

bool matches(std::string_view match, const KnownMember& member) {
  if (match.find('=') == match.npos) return member.address == match || member.name == match;
  const std::string_view facts = member.facts;
  for (std::size_t at = facts.find(match); at != facts.npos; at = facts.find(match, at + 1)) {
    const std::size_t end = at + match.size();
    if ((at == 0 || facts[at - 1] == ',') && (end == facts.size() || facts[end] == ',')) return true;
  }
  return false;
}

AppliedPolicy apply_policy(const Policy& policy, const MemberList& members, WallTime now, const HealthWitness& health) {
  AppliedPolicy result{.members = members};
  if (policy.rules.empty() && policy.split.empty() && policy.backup_below <= 0) return result;
  KnownMembers changed = members.values();
  apply_rules(policy, changed, now, result);
  apply_split(policy, changed);
  apply_backup_below(policy, changed, health, result);
  result.members = std::move(changed);
  return result;
}

}  // namespace weir::discovery
