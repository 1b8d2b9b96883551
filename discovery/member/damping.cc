#include "member/damping.h"

#include <algorithm>
#include <cmath>

namespace weir::discovery {
namespace {

constexpr std::size_t kMostFlapping = 10'000;  // addresses whose restlessness is remembered

double penalty_at(const Flaps& flaps, TimePoint now) {
  const double half_lives = std::chrono::duration<double>(now - flaps.at) / kFlapHalfLife;
  return flaps.penalty * std::exp2(-half_lives);
}

// Returns whether that made it too restless.
bool punish(Flaps& flaps, TimePoint now) {
  flaps.penalty = std::min(penalty_at(flaps, now) + kFlapPenalty, kFlapMost);
  flaps.at = now;
  if (flaps.penalty < kFlapSuppress || flaps.is_suppressed) return false;
  flaps.is_suppressed = true;
  return true;
}

}  // namespace

bool note_arrival(FlapsByAddress& all, const std::string& address, TimePoint now) {
  const auto flaps = all.find(address);
  return flaps != all.end() && punish(flaps->second, now);
}

Departure note_departure(FlapsByAddress& all, const std::string& address, TimePoint now) {
  auto flaps = all.find(address);
  if (flaps == all.end()) {
    if (all.size() >= kMostFlapping) return {};
    flaps = all.emplace(address, Flaps{0, now, false}).first;
  } else if (flaps->second.is_suppressed && penalty_at(flaps->second, now) <= kFlapReuse) {
    // Held until now, and quiet meanwhile: it may go.
    all.erase(flaps);
    return {};
  }
  Departure departure{.became_restless = punish(flaps->second, now)};
  if (!flaps->second.is_suppressed) return departure;
  const double half_lives = std::log2(flaps->second.penalty / kFlapReuse);
  departure.held_until = now + std::chrono::duration_cast<Clock::duration>(kFlapHalfLife * half_lives) + std::chrono::milliseconds(1);
  return departure;
}

bool is_restless(const FlapsByAddress& all, const std::string& address) {
  const auto flaps = all.find(address);
  return flaps != all.end() && flaps->second.is_suppressed;
}

void forget_the_quiet(FlapsByAddress& all, TimePoint now) {
  std::erase_if(all, [&](const auto& entry) { return penalty_at(entry.second, now) < kFlapPenalty / 10; });
}

}  // namespace weir::discovery
