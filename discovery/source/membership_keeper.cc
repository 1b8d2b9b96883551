#include "source/membership_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostReported = 1000;  // rejected names remembered as logged
// How long after an outage members may take to come back: their sessions' timeout, which is taken to be like ours,
// and the longest pause between their attempts.
constexpr Clock::duration kLongestReturn = 10s;

struct Difference {
  std::size_t joined = 0, left = 0, changed = 0;
};

Difference difference(const std::vector<balancer::Member>& before, const std::vector<balancer::Member>& now) {
  Difference result;
  auto a = before.begin();
  auto b = now.begin();
  while (a != before.end() || b != now.end()) {
    if (b == now.end() || (a != before.end() && a->address < b->address)) {
      ++result.left, ++a;
    } else if (a == before.end() || b->address < a->address) {
      ++result.joined, ++b;
    } else {
      if (*a != *b) ++result.changed;
      ++a, ++b;
    }
  }
  return result;
}

}  // namespace

MembershipKeeper::MembershipKeeper(Executor& executor, Ensemble& ensemble, const ZooKeeperConfig& config, Sink sink,
                                   LogFunction log, HealthWitness witness, std::shared_ptr<SharedStatus> status)
    : executor_(executor),
      ensemble_(ensemble),
      config_(config),
      sink_(std::move(sink)),
      log_(std::move(log)),
      witness_(std::move(witness)),
      status_(std::move(status)),
      members_reader_(executor, settings_of("/members"), *this),
      fixed_reader_(executor, settings_of("/static"), *this),
      look_again_(executor) {
  status_->edit([&](SourceStatus& edited) { edited.since = executor_.now(); });
}

DirectoryReader::Settings MembershipKeeper::settings_of(const char* directory) const {
  return {.path = config_.path + directory,
          .rules = {.default_weight = config_.default_weight, .prototype = config_.prototype},
          .max_members = config_.max_members};
}

void MembershipKeeper::begin() { ensemble_.add(*this); }

void MembershipKeeper::end() {
  is_ended_ = true;
  ensemble_.remove(*this);
  members_reader_.disconnected();
  fixed_reader_.disconnected();
  look_again_.cancel();
}

void MembershipKeeper::on_connected(Session& session, const Connection& connection) {
  // Where our session was in danger, so were those of members; brief losses endanger none.
  const bool is_long = connection.outage >= config_.session_timeout * 2 / 3;
  if (!connection.first && (connection.new_session || is_long || was_settling_)) {
    begin_settling();
  }
  members_reader_.connected(session, connection.new_session);
  fixed_reader_.connected(session, connection.new_session);
}

void MembershipKeeper::begin_settling() {
  settling_until_ = executor_.now() + config_.session_timeout + kLongestReturn;
}

void MembershipKeeper::on_disconnected() {
  members_are_fresh_ = fixed_are_fresh_ = false;
  // No time passes for held members while nobody could register.
  look_again_.cancel();
  was_settling_ = settling_until_ && executor_.now() < *settling_until_;
  members_reader_.disconnected();
  fixed_reader_.disconnected();
  if (status_->get().state == SourceState::Synced) set_state(SourceState::Stale);
}

void MembershipKeeper::on_reading(DirectoryReader& reader, MemberDirectory directory,
                                  std::vector<RejectedName> rejected) {
  report_rejected(reader, rejected);
  if (const auto trouble = troubles_.find(&reader); trouble != troubles_.end()) {
    troubles_.erase(trouble);
    log(Severity::Notice, fmt::format("{} can be read again", reader.path()));
  }
  const bool is_fixed = &reader == &fixed_reader_;
  (is_fixed ? fixed_ : members_) = std::move(directory);
  (is_fixed ? fixed_are_fresh_ : members_are_fresh_) = true;
  status_->edit([](SourceStatus& status) { ++status.reads; });
  if (members_ && fixed_) judge();
}

void MembershipKeeper::on_trouble(DirectoryReader& reader, const std::string& reason) {
  std::string& known = troubles_[&reader];
  if (known == reason) return;
  known = reason;
  log(Severity::Error, fmt::format("cannot read {}: {}; the last membership stands", reader.path(), reason));
}

void MembershipKeeper::judge() {
  const Circumstances circumstances{executor_.now(), settling_until_, witness_};
  Reconciled result = reconcile(std::move(memory_), {*members_, *fixed_}, circumstances);
  memory_ = std::move(result.memory);
  if (is_other_registry(result.hold)) {
    begin_settling();
    result.look_again = result.look_again ? std::min(*result.look_again, *settling_until_) : *settling_until_;
  }
  report_holding(result);
  if (result.look_again) {
    look_again_.set(std::max(*result.look_again - circumstances.now, Clock::duration(1ms)), [this] { judge(); });
  } else {
    look_again_.cancel();
  }
  if (members_are_fresh_ && fixed_are_fresh_) set_state(SourceState::Synced);
  announce(result);
}

void MembershipKeeper::announce(Reconciled& result) {
  if (announced_ && *announced_ == result.members) {
    status_->edit([&](SourceStatus& status) { status.held = result.held; });
    return;
  }
  const bool is_first = !announced_;
  const Difference change = is_first ? Difference{result.members.size(), 0, 0} : difference(*announced_, result.members);
  announced_ = result.members;
  status_->edit([&](SourceStatus& status) {
    ++status.generation;
    status.last_change = executor_.now();
    status.members = result.members.size();
    status.held = result.held;
  });
  log(Severity::Notice, fmt::format("{} members: {} joined, {} left, {} changed{}", result.members.size(), change.joined,
                                    change.left, change.changed,
                                    result.held == 0 ? "" : fmt::format(", {} held", result.held)));
  if (!is_ended_) sink_(std::move(result.members));
}

void MembershipKeeper::report_holding(const Reconciled& result) {
  if (result.hold != Hold::None) {
    log(Severity::Warning, fmt::format("{} ({}): members that were known are held, {} so far", config_.path,
                                       to_string(result.hold), result.held));
  } else if (held_before_ != 0 && result.held == 0) {
    log(Severity::Notice, "no member is held any more");
  }
  held_before_ = result.held;
}

void MembershipKeeper::report_rejected(const DirectoryReader& reader, const std::vector<RejectedName>& rejected) {
  std::map<std::string, std::uint64_t>& counts = rejected_counts_[&reader];
  counts.clear();
  for (const RejectedName& name : rejected) {
    ++counts[name.reason];
    if (reported_.size() >= kMostReported || !reported_.insert(reader.path() + "/" + name.name).second) continue;
    log(Severity::Warning, fmt::format("{}/{}: {}", reader.path(), printable(name.name), name.reason));
    if (reported_.size() == kMostReported) log(Severity::Warning, "further names will be refused without a word");
  }
  status_->edit([&](SourceStatus& status) {
    status.rejected.clear();
    for (const auto& [directory, directory_counts] : rejected_counts_) {
      for (const auto& [reason, count] : directory_counts) status.rejected[reason] += count;
    }
  });
}

void MembershipKeeper::set_state(SourceState state) {
  status_->edit([&](SourceStatus& status) {
    status.sessions = ensemble_.sessions();
    if (status.state == state) return;
    status.state = state;
    status.since = executor_.now();
  });
}

void MembershipKeeper::log(Severity severity, const std::string& text) const {
  if (log_) log_(severity, fmt::format("zookeeper {}: {}", config_.path, text));
}

}  // namespace weir::discovery
