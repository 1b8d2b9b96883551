// An executor whose clock moves only when told: hours of faults pass in milliseconds, always in the same order.
#pragma once

#include "session/executor.h"

#include <map>
#include <utility>

namespace weir::discovery {

/// Single-threaded: whoever calls `advance` runs the tasks.
class VirtualExecutor final : public Executor {
 public:
  TimePoint now() const override { return now_; }
  void post(Task task) override { after(Clock::duration::zero(), std::move(task)); }
  TimerId after(Clock::duration delay, Task task) override {
    const TimerId id = ++last_;
    due_.emplace(std::pair(now_ + delay, id), std::move(task));
    when_.emplace(id, now_ + delay);
    return id;
  }
  void cancel(TimerId timer) override {
    const auto when = when_.find(timer);
    if (when == when_.end()) return;
    due_.erase({when->second, timer});
    when_.erase(when);
  }
  bool is_current() const override { return true; }

  /// Drops what is pending: tasks may hold on to the executor that holds them.
  void clear() {
    when_.clear();
    std::exchange(due_, {}).clear();
  }

  /// Lets `duration` pass, running what falls due in it in order of time, then of posting.
  void advance(Clock::duration duration) {
    const TimePoint end = now_ + duration;
    while (!due_.empty() && due_.begin()->first.first <= end) {
      auto entry = due_.extract(due_.begin());
      now_ = entry.key().first;
      when_.erase(entry.key().second);
      entry.mapped()();
    }
    now_ = end;
  }

 private:
  TimePoint now_{std::chrono::hours(1)};
  TimerId last_ = 0;
  std::map<std::pair<TimePoint, TimerId>, Task> due_;
  std::map<TimerId, TimePoint> when_;
};

}  // namespace weir::discovery
