// The part of a ZooKeeper source that lives on the executor: reads both directories, reconciles, announces.
#pragma once

#include <weir/discovery/source.h>
#include <weir/discovery/source_status.h>
#include <weir/discovery/zookeeper_source.h>

#include "member/reconcile.h"
#include "session/ensemble.h"
#include "source/directory_reader.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

namespace weir::discovery {

/// A status that one thread writes and any may read.
class SharedStatus {
 public:
  SourceStatus get() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  void edit(const std::function<void(SourceStatus&)>& change) {
    const std::lock_guard lock(mutex_);
    change(status_);
  }

 private:
  mutable std::mutex mutex_;
  SourceStatus status_;
};

/// Lives on the executor: made, used and destroyed there.
class MembershipKeeper final : private SessionUser, private DirectoryReader::Listener {
 public:
  MembershipKeeper(Executor& executor, Ensemble& ensemble, const ZooKeeperConfig& config, Sink sink, LogFunction log,
                   HealthWitness witness, std::shared_ptr<SharedStatus> status);

  /// Begins; may announce at once.
  void begin();
  /// Ends: announces nothing any more. May be called from the sink.
  void end();

 private:
  void on_connected(Session& session, const Connection& connection) override;
  void on_disconnected() override;
  void on_reading(DirectoryReader& reader, MemberDirectory directory, std::vector<RejectedName> rejected) override;
  void on_trouble(DirectoryReader& reader, const std::string& reason) override;

  DirectoryReader::Settings settings_of(const char* directory) const;
  void judge();
  void begin_settling();
  void announce(Reconciled& result);
  void report_rejected(const DirectoryReader& reader, const std::vector<RejectedName>& rejected);
  void report_holding(const Reconciled& result);
  void set_state(SourceState state);
  void log(Severity severity, const std::string& text) const;

  Executor& executor_;
  Ensemble& ensemble_;
  const ZooKeeperConfig config_;
  const Sink sink_;
  const LogFunction log_;
  const HealthWitness witness_;
  const std::shared_ptr<SharedStatus> status_;

  bool is_ended_ = false;
  DirectoryReader members_reader_;
  DirectoryReader fixed_reader_;
  std::optional<MemberDirectory> members_, fixed_;  // the last complete readings
  bool members_are_fresh_ = false, fixed_are_fresh_ = false;  // read since the last connection
  Memory memory_;
  std::optional<TimePoint> settling_until_;
  bool was_settling_ = false;  // when contact was lost
  std::optional<std::vector<balancer::Member>> announced_;
  std::size_t held_before_ = 0;
  Timer look_again_;

  std::map<const DirectoryReader*, std::map<std::string, std::uint64_t>> rejected_counts_;
  std::set<std::string> reported_;  // rejected names that were logged; bounded
  std::map<const DirectoryReader*, std::string> troubles_;  // as last logged
};

}  // namespace weir::discovery
