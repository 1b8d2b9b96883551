// The operator's word: one JSON document in the node `policy`, which wins over what members and the registry say.
//
//   {"v": 1,
//    "rules": [{"match": "10.9.0.5:8080", "weight": 0},
//              {"match": "z=eu-1b", "drain": true, "until": "2026-12-01T10:00:00Z"}],
//    "split": [{"match": "v=2026.1", "percent": 5}],
//    "backup_below": 0.3, "freeze": false, "accept": 7}
//
// It is taken whole or not at all: an unknown key, a wrong type or a number out of range refuse it, and the one before
// stands. `match` is an address, be it by name, or `key=value` of a member's facts (`z`, `v`, `i`, `p`, `l.<label>`).
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "member/member_directory.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

using WallTime = std::chrono::system_clock::time_point;

struct Policy {
  struct Rule {
    std::string match;
    std::optional<std::uint32_t> weight{};  ///< 0 drains
    bool drain = false;
    std::optional<WallTime> until{};        ///< has no effect from then on

    bool operator==(const Rule&) const = default;
  };
  struct Split {
    std::string match;
    double percent = 0;  ///< of the traffic, for all that match together

    bool operator==(const Split&) const = default;
  };
  std::vector<Rule> rules{};    ///< each in turn; a later one overrides
  std::vector<Split> split{};   ///< a member belongs to the first that matches
  double backup_below = 0;      ///< backups serve like primaries while less than this share of the primaries works
  bool freeze = false;          ///< the membership stays as it is; rules, splits and health still count
  std::int64_t accept = 0;      ///< a greater number than ever before: what the registry says now is accepted, and
                                ///< whoever is only held is let go

  bool operator==(const Policy&) const = default;
};

inline constexpr std::size_t kLongestPolicy = 64 * 1024;

/// Either a policy or, in a few words, why the text is none.
struct ParsedPolicy {
  std::optional<Policy> policy{};
  std::string error{};
};

/// Never throws. Empty text is the policy that says nothing.
ParsedPolicy parse_policy(std::string_view text);

/// The document that says it: `parse_policy(format_policy(p)).policy == p`.
std::string format_policy(const Policy& policy);

/// Reads `2026-12-01T10:00:00Z`; nothing if it is not of exactly this form.
std::optional<WallTime> parse_time(std::string_view text);
std::string format_time(WallTime time);

/// Whether `match` is of a form that a member can match.
bool is_valid_match(std::string_view match);
/// Whether it matches this one. `match` in canonical form, as `canonical_match` makes it.
bool matches(std::string_view match, const KnownMember& member);
/// An address in canonical form, a value with its escapes. `match` must be valid.
std::string canonical_match(std::string_view match);

struct AppliedPolicy {
  MemberList members;
  std::optional<std::chrono::milliseconds> look_again{};  ///< when the same policy may mean something else
};

/// What `members` become; the same list if the policy does not touch them. A split never leaves nobody to send to: parts
/// without members count for nothing.
/// `health`: asked only if `backup_below` is set; may be empty.
AppliedPolicy apply_policy(const Policy& policy, const MemberList& members, WallTime now, const HealthWitness& health);

}  // namespace weir::discovery
