#include "source/membership_report.h"

#include <fmt/format.h>

#include <utility>

namespace weir::discovery {
namespace {

constexpr std::size_t kMostReported = 1000;  // rejected names remembered as logged
constexpr std::size_t kMostInALine = 10;     // hosts

struct Difference {
  std::size_t joined = 0, left = 0, changed = 0;
};

Difference difference(const MemberList& before, const MemberList& now) {
  Difference result;
  for_each_difference(
      before, now, [&](const auto&) { ++result.left; }, [&](const auto&) { ++result.joined; },
      [&](const balancer::Member& a, const balancer::Member& b) { result.changed += a == b ? 0 : 1; });
  return result;
}

}  // namespace

MembershipReport::MembershipReport(Executor& executor, std::string path, LogFunction log,
                                   std::shared_ptr<SharedStatus> status)
    : executor_(executor), path_(std::move(path)), log_(std::move(log)), status_(std::move(status)) {
  status_->edit([&](SourceStatus& edited) { edited.since = executor_.now(); });
}

void MembershipReport::reading(const std::string& directory, const std::vector<RejectedName>& rejected) {
  std::map<std::string, std::uint64_t>& counts = rejected_counts_[directory];
  counts.clear();
  for (const RejectedName& name : rejected) {
    ++counts[name.reason];
    if (reported_.size() >= kMostReported || !reported_.insert(directory + "/" + name.name).second) continue;
    log(Severity::Warning, fmt::format("{}/{}: {}", directory, printable(name.name), name.reason));
    if (reported_.size() == kMostReported) log(Severity::Warning, "further names will be refused without a word");
  }
  status_->edit([&](SourceStatus& status) {
    ++status.reads;
    status.rejected.clear();
    for (const auto& [of, directory_counts] : rejected_counts_) {
      for (const auto& [reason, number] : directory_counts) status.rejected[reason] += number;
    }
  });
}

void MembershipReport::trouble(const std::string& what, const std::string& reason) {
  count("unreadable: " + what);
  std::string& known = troubles_[what];
  if (std::exchange(known, reason) == reason) return;
  log(Severity::Error, fmt::format("cannot use {}: {}; what was read last stands", what, reason));
}

void MembershipReport::no_trouble(const std::string& what) {
  if (troubles_.erase(what) != 0) log(Severity::Notice, fmt::format("{} can be read again", what));
}

void MembershipReport::judged(const Reconciled& result) {
  const Tally& tally = result.tally;
  const std::pair<const char*, std::size_t> counters[] = {
      {"joined", tally.joined},
      {"returned", tally.returned},
      {"left", tally.left},
      {"left as announced", tally.drained},
      {"flapping", tally.suppressed},
      {"let go: failing", tally.released_failing},
      {"let go: time is over", tally.released_expired},
      {"let go: replaced", tally.released_replaced},
      {"let go: accepted", tally.released_accepted},
  };
  for (const auto& [name, number] : counters) {
    if (number != 0) count(name, number);
  }
  if (tally.held != 0) count(std::string("held: ") + to_string(result.hold), tally.held);
  if (result.hold != Hold::None) {
    log(Severity::Warning, fmt::format("{} ({}): members that were known are held, {} so far", path_,
                                       to_string(result.hold), result.held));
  } else if (held_before_ != 0 && result.held == 0) {
    log(Severity::Notice, "no member is held any more");
  }
  held_before_ = result.held;
  status_->edit([&](SourceStatus& status) { status.held = result.held; });
}

void MembershipReport::announced(const MemberList& before, const MemberList& members, std::size_t held) {
  const Difference change = difference(before, members);
  status_->edit([&](SourceStatus& status) {
    ++status.generation;
    status.last_change = executor_.now();
    status.members = members.size();
    status.held = held;
  });
  log(Severity::Notice, fmt::format("{} members: {} joined, {} left, {} changed{}", members.size(), change.joined,
                                    change.left, change.changed, held == 0 ? "" : fmt::format(", {} held", held)));
}

void MembershipReport::hosts(std::map<std::string, std::string> troubles) {
  if (troubles == host_troubles_) return;
  std::string news;
  std::size_t count_of_news = 0;
  for (const auto& [host, why] : troubles) {
    if (const auto known = host_troubles_.find(host); known != host_troubles_.end() && known->second == why) continue;
    if (++count_of_news <= kMostInALine) news += fmt::format("{}{} ({})", news.empty() ? "" : ", ", host, why);
  }
  if (count_of_news > kMostInALine) news += fmt::format(" and {} more", count_of_news - kMostInALine);
  host_troubles_ = std::move(troubles);
  status_->edit([&](SourceStatus& status) { status.unresolved = host_troubles_.size(); });
  if (count_of_news != 0) {
    count("host without address", count_of_news);
    log(Severity::Warning, fmt::format("hosts of members cannot be resolved: {}; each keeps the addresses it had, and is "
                                       "down if it had none", news));
  } else if (host_troubles_.empty()) {
    log(Severity::Notice, "all hosts of members can be resolved");
  }
}

void MembershipReport::state(SourceState state, std::uint64_t sessions) {
  bool is_new = false;
  status_->edit([&](SourceStatus& status) {
    status.sessions = sessions;
    if (status.state == state) return;
    is_new = true;
    status.state = state;
    status.since = executor_.now();
  });
  if (!is_new) return;
  count(std::string("became ") + to_string(state));
  log(Severity::Notice, to_string(state));
}

void MembershipReport::count(const std::string& counter, std::uint64_t by) {
  status_->edit([&](SourceStatus& status) { status.counters[counter] += by; });
}

void MembershipReport::log(Severity severity, const std::string& text) const {
  if (log_) log_(severity, fmt::format("zookeeper {}: {}", path_, text));
}

}  // namespace weir::discovery
