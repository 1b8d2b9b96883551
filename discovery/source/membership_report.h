// What a membership keeper tells the outside: lines for the log, and the status.
#pragma once

#include <weir/discovery/event.h>
#include <weir/discovery/source_status.h>

#include "member/reconcile.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

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

/// Says everything once: a fault that stays is not repeated. Lives on the executor.
class MembershipReport {
 public:
  MembershipReport(Executor& executor, std::string path, LogFunction log, std::shared_ptr<SharedStatus> status);

  void reading(const std::string& directory, const std::vector<RejectedName>& rejected);
  void trouble(const std::string& what, const std::string& reason);
  /// What could not be read or understood can be again.
  void no_trouble(const std::string& what);
  void judged(const Reconciled& result);
  void announced(const MemberList& before, const MemberList& members, std::size_t held);
  /// `troubles`: hosts that have no usable address or do not resolve now, and why.
  void hosts(std::map<std::string, std::string> troubles);
  void state(SourceState state, std::uint64_t sessions);
  void count(const std::string& counter, std::uint64_t by = 1);
  void edit(const std::function<void(SourceStatus&)>& change) { status_->edit(change); }
  void log(Severity severity, const std::string& text) const;

 private:
  Executor& executor_;
  const std::string path_;
  const LogFunction log_;
  const std::shared_ptr<SharedStatus> status_;
  std::map<std::string, std::map<std::string, std::uint64_t>> rejected_counts_;  // by directory, by reason
  std::set<std::string> reported_;               // rejected names that were logged; bounded
  std::map<std::string, std::string> troubles_;  // as last logged
  std::map<std::string, std::string> host_troubles_;
  std::size_t held_before_ = 0;
};

}  // namespace weir::discovery
