// Decides what a reading of the registry means for the membership: a pure function, so that every case can be tested.
//
// The registry adds and announces; that something is missing from it is weaker news. The rules:
//  - a member that the registry names is a member, as it is named there;
//  - one that announced its leaving (draining) and then is gone, is gone;
//  - one that is gone from the registry that named it, while nothing else is odd, is gone: unless too many are gone
//    within `kWave`, or the last one. Those are held, as it is more likely that the registry lost them (VanishRules);
//  - if the registry itself is not the one that named it (missing, made anew, or older than what was read before),
//    members are held: until they register again, as many as before have registered, or they are known to fail;
//  - if contact was lost for so long that the sessions of members may have ended with it, those missing afterwards
//    are held for a while: long enough for them to come back by themselves. Until then nobody replaces anybody;
//  - a member that comes and goes stays, until it has stopped doing so (damping);
//  - whoever is held is let go when health says that it fails, or when an operator accepts what the registry says.
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "member/damping.h"
#include "member/member_directory.h"

#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

/// Losses within this time of each other are taken for one: sessions that end for one reason end this close together.
inline constexpr Clock::duration kWave = std::chrono::seconds(30);

/// One complete picture: every directory read whole.
struct Observation {
  MemberDirectory members;   ///< ephemeral, of those who registered themselves
  MemberDirectory fixed;     ///< persistent, kept by hand: what is gone from it was removed by somebody
  MemberDirectory direct{};  ///< children of the path itself, in the layouts of others
};

/// Why members are held.
enum class Hold { None, Missing, MadeAnew, Older, Settling, Mass, Kept, Flapping };

/// Whether the registry itself was replaced, so that members need time to find that out.
constexpr bool is_other_registry(Hold hold) {
  return hold == Hold::Missing || hold == Hold::MadeAnew || hold == Hold::Older;
}

/// Words for a log line, such as `the directory is missing`.
const char* to_string(Hold hold);

/// A member that the registry no longer names.
struct HeldMember {
  KnownMember member;
  std::optional<TimePoint> until;  ///< nothing: without limit

  bool operator==(const HeldMember&) const = default;
};

/// A member that was let go a short while ago.
struct LostMember {
  KnownMember member;
  TimePoint at;

  bool operator==(const LostMember&) const = default;
};

/// What is remembered of one directory between readings.
struct DirectoryMemory {
  bool is_known = false;          ///< it was read at least once
  bool existed = false;           ///< and was there, with these stamps
  std::int64_t czxid = 0;
  std::int64_t ctime = 0;
  std::int64_t pzxid = 0;
  MemberList present;             ///< in the last reading
  std::vector<HeldMember> held;   ///< sorted by address
  std::size_t before = 0;         ///< members there were when the holding began

  std::vector<LostMember> lost;   ///< within kWave; sorted by address
  std::size_t peak = 0;           ///< most usable members within kWave, less those that announced their leaving
  TimePoint peak_at{};            ///< when there were last so many
  FlapsByAddress flaps;

  bool operator==(const DirectoryMemory&) const = default;
};

struct Memory {
  DirectoryMemory members, fixed, direct;
  std::int64_t accepted = 0;  ///< the operator's acceptance that was last carried out

  std::array<DirectoryMemory*, 3> directories() { return {&members, &fixed, &direct}; }
  std::array<const DirectoryMemory*, 3> directories() const { return {&members, &fixed, &direct}; }

  bool operator==(const Memory&) const = default;
};

/// What else is known at the moment.
struct Circumstances {
  TimePoint now{};
  std::optional<TimePoint> settling_until{};  ///< after an outage: until when members may still be coming back
  HealthWitness health{};                     ///< may be empty
  VanishRules vanish{};
  /// Greater than what was last carried out: whoever is held now is let go. A smaller one is that of a policy which was
  /// written anew or restored, and nobody's word on those who are held now.
  std::int64_t accept = 0;
};

/// What happened to members in one step, by kind: for counters.
struct Tally {
  std::size_t joined = 0, returned = 0, left = 0, drained = 0;
  std::size_t held = 0;                                     ///< began to be held
  std::size_t released_failing = 0, released_expired = 0, released_replaced = 0, released_accepted = 0;
  std::size_t suppressed = 0;                               ///< addresses that became too restless

  bool operator==(const Tally&) const = default;
};

struct Reconciled {
  Memory memory;
  MemberList members;                   ///< to be announced
  std::size_t held = 0;                 ///< of these
  Hold hold = Hold::None;               ///< why members began to be held just now; None: none did
  bool is_other_registry = false;       ///< a directory is missing, made anew, or older than before
  std::optional<TimePoint> look_again;  ///< when the same observation may mean something else
  Tally tally;
};

/// Judges `seen`, given what was known before.
Reconciled reconcile(Memory memory, const Observation& seen, const Circumstances& circumstances);

/// Whether a directory is missing, made anew, or older than the one that `memory` remembers.
bool is_other_registry(const Memory& memory, const Observation& seen);

/// The membership that `memory` stands for: what the last judgement announced.
MemberList members_of(const Memory& memory);

}  // namespace weir::discovery
