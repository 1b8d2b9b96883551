// Decides what a reading of the registry means for the membership: a pure function, so that every case can be tested.
//
// The registry adds and announces; that something is missing from it is weaker news. The rules:
//  - a member that the registry names is a member, as it is named there;
//  - one that announced its leaving (draining) and then is gone, is gone;
//  - one that is gone from the registry that named it, while nothing else is odd, is gone;
//  - if the registry itself is not the one that named it (missing, made anew, or older than what was read before),
//    members are held: until they register again, as many as before have registered, or they are known to fail;
//  - if contact was lost for so long that the sessions of members may have ended with it, those missing afterwards
//    are held for a while: long enough for them to come back by themselves. Until then nobody replaces anybody.
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "member/member_directory.h"

#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

/// One complete picture: both directories, each read whole.
struct Observation {
  MemberDirectory members;  ///< ephemeral, of those who registered themselves
  MemberDirectory fixed;    ///< persistent, kept by hand
};

/// Why members are held.
enum class Hold { None, Missing, MadeAnew, Older, Settling };

/// Whether the registry itself was replaced, so that members need time to find that out.
constexpr bool is_other_registry(Hold hold) {
  return hold == Hold::Missing || hold == Hold::MadeAnew || hold == Hold::Older;
}

/// Words for a log line, such as `the directory is missing`.
const char* to_string(Hold hold);

/// A member that the registry no longer names.
struct HeldMember {
  balancer::Member member;
  std::optional<TimePoint> until;  ///< nothing: without limit

  bool operator==(const HeldMember&) const = default;
};

/// What is remembered of one directory between readings.
struct DirectoryMemory {
  bool is_known = false;                  ///< it was read at least once
  bool existed = false;                   ///< and was there, with these stamps
  std::int64_t czxid = 0;
  std::int64_t ctime = 0;
  std::int64_t pzxid = 0;
  std::vector<balancer::Member> present;  ///< in the last reading, sorted by address
  std::vector<HeldMember> held;           ///< sorted by address
  std::size_t before = 0;                 ///< members there were when the holding began

  bool operator==(const DirectoryMemory&) const = default;
};

struct Memory {
  DirectoryMemory members, fixed;

  bool operator==(const Memory&) const = default;
};

/// What else is known at the moment.
struct Circumstances {
  TimePoint now{};
  std::optional<TimePoint> settling_until;  ///< after an outage: until when members may still be coming back
  HealthWitness health;                     ///< may be empty
};

struct Reconciled {
  Memory memory;
  std::vector<balancer::Member> members;  ///< to be announced; sorted by address, each address once
  std::size_t held = 0;                   ///< of these
  Hold hold = Hold::None;                 ///< why members began to be held just now; None: none did
  std::optional<TimePoint> look_again;    ///< when the same observation may mean something else
};

/// Judges `seen`, given what was known before.
Reconciled reconcile(Memory memory, const Observation& seen, const Circumstances& circumstances);

}  // namespace weir::discovery
