// Members that come and go: how restless each is, and for how long it is held for that.
#pragma once

#include "session/executor.h"

#include <map>
#include <optional>
#include <string>

namespace weir::discovery {

/// Damping: each coming or going adds `kFlapPenalty`, half of which is forgotten after `kFlapHalfLife`. From
/// `kFlapSuppress` on a member is not let go, until it is down at `kFlapReuse`.
inline constexpr double kFlapPenalty = 1000, kFlapSuppress = 3000, kFlapReuse = 1500, kFlapMost = 6000;
inline constexpr Clock::duration kFlapHalfLife = std::chrono::seconds(30);

/// How restless an address is.
struct Flaps {
  double penalty = 0;  ///< at that time
  TimePoint at{};
  bool is_suppressed = false;

  bool operator==(const Flaps&) const = default;
};

/// Those that left at least once not long ago.
using FlapsByAddress = std::map<std::string, Flaps>;

/// What a departure makes of a member.
struct Departure {
  std::optional<TimePoint> held_until{};  ///< nothing: it is believed to be gone
  bool became_restless = false;
};

/// A member is back, or new. Returns whether that made it too restless.
bool note_arrival(FlapsByAddress& all, const std::string& address, TimePoint now);

/// A member is gone, or the time is over for which it was held.
Departure note_departure(FlapsByAddress& all, const std::string& address, TimePoint now);

/// Whether it has not yet stopped coming and going.
bool is_restless(const FlapsByAddress& all, const std::string& address);

void forget_the_quiet(FlapsByAddress& all, TimePoint now);

}  // namespace weir::discovery
