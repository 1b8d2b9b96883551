#include "session/thread_executor.h"

#include <pthread.h>
#include <signal.h>

#include <future>
#include <memory>
#include <utility>

namespace weir::discovery {

ThreadExecutor::ThreadExecutor(const char* name) {
  // Signals are for the threads that ask for them: whoever embeds the library decides, never this thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  // The lock makes the new thread wait until `thread_` is assigned, which `is_current` reads.
  const std::lock_guard lock(mutex_);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), name);
}

ThreadExecutor::~ThreadExecutor() { stop(); }

void ThreadExecutor::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

Executor::TimerId ThreadExecutor::after(Clock::duration delay, Task task) {
  TimerId id;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_timer_;
    if (stopping_) return id;
    const TimePoint when = Clock::now() + delay;
    timers_.emplace(Due{when, id}, std::move(task));
    due_.emplace(id, when);
  }
  wake_.notify_one();
  return id;
}

void ThreadExecutor::cancel(TimerId timer) {
  Task dropped;  // destroyed after the lock: what it holds may call back
  const std::lock_guard lock(mutex_);
  const auto when = due_.find(timer);
  if (when == due_.end()) return;
  const auto entry = timers_.find(Due{when->second, timer});
  dropped = std::move(entry->second);
  timers_.erase(entry);
  due_.erase(when);
}

void ThreadExecutor::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable() && !is_current()) thread_.join();
}

bool ThreadExecutor::run(const Task& task) {
  if (is_current()) {
    task();
    return true;
  }
  // Shared, because a stopping executor destroys the task unrun: the promise is then broken, which ends the wait.
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> finished = done->get_future();
  post([&task, done = std::move(done)] {
    task();
    done->set_value();
  });
  try {
    finished.get();
    return true;
  } catch (const std::future_error&) {
    return false;
  }
}

void ThreadExecutor::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Task task;
    if (!tasks_.empty()) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
    } else if (stopping_) {
      break;
    } else if (timers_.empty()) {
      wake_.wait(lock);
      continue;
    } else if (const auto first = timers_.begin(); first->first.first > Clock::now()) {
      wake_.wait_until(lock, TimePoint(first->first.first));  // a copy: cancel may remove the entry meanwhile
      continue;
    } else {
      task = std::move(first->second);
      due_.erase(first->first.second);
      timers_.erase(first);
    }
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  auto dropped = std::exchange(timers_, {});
  due_.clear();
  lock.unlock();
}

}  // namespace weir::discovery
