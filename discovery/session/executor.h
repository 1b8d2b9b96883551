// Where this library's work runs: one queue of tasks with a clock. The real one is a thread; the one in tests has a
// clock that only moves when told, so hours of faults pass in milliseconds and always in the same order.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace weir::discovery {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// Runs tasks one after the other, so what only they touch needs no lock.
/// Thread safety: all functions from any thread.
class Executor {
 public:
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;

  virtual ~Executor() = default;
  virtual TimePoint now() const = 0;
  /// Runs `task` after those already posted. Dropped without running if the executor has stopped.
  virtual void post(Task task) = 0;
  /// Runs `task` once `delay` has passed, unless cancelled before. Never returns 0.
  virtual TimerId after(Clock::duration delay, Task task) = 0;
  /// Makes a pending timer not run; no effect on one that ran, or on 0.
  virtual void cancel(TimerId timer) = 0;
  /// Whether the caller is one of the tasks.
  virtual bool is_current() const = 0;
};

/// One pending timer of an owner that lives on the executor: set replaces, destruction cancels.
class Timer {
 public:
  explicit Timer(Executor& executor) : executor_(executor) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void set(Clock::duration delay, Executor::Task task) {
    cancel();
    // The executor keeps what it runs alive, so the task may set this timer again, or destroy it.
    id_ = executor_.after(delay, [this, task = std::move(task)] {
      id_ = 0;
      task();
    });
  }
  void cancel() {
    if (id_ != 0) executor_.cancel(id_);
    id_ = 0;
  }
  bool is_set() const { return id_ != 0; }

 private:
  Executor& executor_;
  Executor::TimerId id_ = 0;
};

}  // namespace weir::discovery
