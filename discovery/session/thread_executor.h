// An executor that is one thread.
#pragma once

#include "session/executor.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace weir::discovery {

/// Tasks run on one thread, from construction until `stop`. It must not be destroyed by one of its own tasks.
class ThreadExecutor final : public Executor {
 public:
  /// `name`: the thread's, for `top` and debuggers; at most 15 characters.
  explicit ThreadExecutor(const char* name);
  ~ThreadExecutor() override;

  TimePoint now() const override { return Clock::now(); }
  void post(Task task) override;
  TimerId after(Clock::duration delay, Task task) override;
  void cancel(TimerId timer) override;
  bool is_current() const override { return std::this_thread::get_id() == thread_.get_id(); }

  /// Runs what is already posted, drops the timers and ends the thread; later tasks are dropped. Called from a task,
  /// it returns at once and the thread ends by itself after that task.
  void stop() noexcept;

  /// Runs `task` and waits until it is done; directly if called from a task. False if the executor has stopped.
  bool run(const Task& task);

 private:
  void loop();

  // Ordered by time, then by order of setting, so equal deadlines keep their order.
  using Due = std::pair<TimePoint, TimerId>;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::map<Due, Task> timers_;
  std::map<TimerId, TimePoint> due_;
  TimerId last_timer_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::discovery
