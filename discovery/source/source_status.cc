#include <weir/discovery/source_status.h>

#include <fmt/format.h>

namespace weir::discovery {
namespace {

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

const char* to_string(SourceState state) {
  switch (state) {
    case SourceState::Cold: return "cold";
    case SourceState::Cached: return "cached";
    case SourceState::Synced: return "synced";
    case SourceState::Stale: return "stale";
  }
  return "?";
}

std::string describe(const SourceStatus& status, std::chrono::steady_clock::time_point now) {
  std::string text = fmt::format("state: {} for {:.1f}s{}\n", to_string(status.state), seconds(now - status.since),
                                 status.is_frozen ? ", frozen by an operator" : "");
  text += fmt::format("members: {}, held: {}, generation: {}\n", status.members, status.held, status.generation);
  if (status.generation != 0) text += fmt::format("last change: {:.1f}s ago\n", seconds(now - status.last_change));
  text += fmt::format("sessions: {}, readings: {}\n", status.sessions, status.reads);
  if (status.unresolved != 0) text += fmt::format("hosts that cannot be resolved: {}\n", status.unresolved);
  if (!status.policy_error.empty()) text += fmt::format("policy refused: {}\n", status.policy_error);
  for (const auto& [reason, count] : status.rejected) text += fmt::format("refused now: {} ({})\n", count, reason);
  for (const auto& [kind, count] : status.counters) text += fmt::format("{}: {}\n", kind, count);
  return text;
}

}  // namespace weir::discovery
