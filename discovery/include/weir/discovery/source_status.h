// What can be said about a source from outside: for status pages, metrics and tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace weir::discovery {

/// How far the announced membership may be trusted.
enum class SourceState {
  Cold,    ///< nothing was ever read, nothing was announced
  Cached,  ///< nothing was read yet; what was announced is from the disk, or from the source before
  Synced,  ///< what was announced is what the registry says, and changes will be noticed
  Stale,   ///< contact is lost, or a directory cannot be read; the last membership stands, for as long as it takes
};

/// The lower-case word for a state: `cold`, `cached`, `synced`, `stale`.
const char* to_string(SourceState state);

/// One moment of a source. A plain value: read it once, then look at it.
struct SourceStatus {
  SourceState state = SourceState::Cold;
  std::chrono::steady_clock::time_point since{};        ///< when `state` began
  std::chrono::steady_clock::time_point last_change{};  ///< when the last new membership was announced
  std::uint64_t generation = 0;                         ///< memberships announced so far
  std::size_t members = 0;                              ///< in the last one announced
  std::size_t held = 0;              ///< of these, kept although the registry no longer names them
  std::size_t unresolved = 0;        ///< hosts of members that do not resolve now, or to nothing that may be used
  std::uint64_t sessions = 0;        ///< registry sessions used so far by the ensemble's shared client
  std::uint64_t reads = 0;           ///< complete readings of a directory
  bool is_frozen = false;            ///< an operator holds the membership as it is
  std::string policy_error;          ///< why the policy that stands in the registry is not used; empty if it is
  std::map<std::string, std::uint64_t> rejected;  ///< children refused now, by reason (`bad port`, …)
  std::map<std::string, std::uint64_t> counters;  ///< what happened so far, by kind (`left`, `held: …`, `let go: …`)
};

/// A few lines of text about `status` at `now`, each ending with a newline: state and for how long, generation, members,
/// last change, what is refused and what happened so far, by kind.
std::string describe(const SourceStatus& status, std::chrono::steady_clock::time_point now);

}  // namespace weir::discovery
