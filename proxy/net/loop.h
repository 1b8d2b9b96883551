// Loop: one worker's event loop and everything that only this worker touches.
//
// Asio runs it: time and what is posted; connections and listeners hang on the readiness set, which Asio watches as one
// descriptor. A *turn* is one handler of Asio's; all events that the readiness set had at once are one turn. After events
// the loop waits for more in the set itself, a while or until Asio has something to do: going back to Asio after each of
// them is three more calls into the kernel. So nothing else may be Asio's here.
//
// Thread safety: only post() and stop() may be called from other threads. All else, and every object made with a
// Loop, belongs to the thread that runs it (or to any one thread while nobody runs it). Order of destruction:
// streams, listeners, timers, buffers and arenas before their Loop. What Asio still holds is destroyed without being
// called.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "net/buffer_pool.h"
#include "net/readiness_set.h"
#include "net/timers.h"

namespace weir::net {

class PipePool;

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// The time, read once a turn (at its first use).
  TimePoint now() const {
    if (!now_is_fresh_) refresh_now();
    return now_;
  }
  Timers& timers() { return timers_; }
  BufferPool& buffers() { return buffers_; }
  ReadinessSet& readiness() { return readiness_; }
  PipePool& pipes() { return *pipes_; }

  /// Runs `function` on the loop's thread, in a later turn. Any thread.
  void post(std::function<void()> function);
  /// Calls `hook` at the end of each turn, as long as the loop lives (one that flushes logs, say). It must be cheap
  /// when there is nothing to do.
  void on_turn_end(std::function<void()> hook);
  /// Resumes `coroutine` at the end of this turn, from the loop itself. Never inline, so it is safe from anywhere.
  void resume_later(std::coroutine_handle<> coroutine);

  /// Resumes, before the turn's end, those for whom `resume_later` was called in it. Only for a handler of readiness that
  /// the loop itself called, when it is about to begin something that has to come after them.
  void resume_ready();

  /// Whether there is time for another piece of work that takes long (a handshake's signature): false once half a
  /// millisecond has passed since such work began, until a turn went by without any. Then `yield` and ask again, so that
  /// others are not kept waiting.
  bool has_time_for_long_work() {
    const TimePoint now = Clock::now();
    if (long_work_began_ == TimePoint{}) long_work_began_ = now;
    if (now - long_work_began_ >= std::chrono::microseconds{500}) return false;
    return did_long_work_ = true;
  }

  struct Yield {
    Loop& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { loop.resume_later(coroutine); }
    void await_resume() const noexcept {}
  };
  /// `co_await loop.yield()` lets others run; for long work that never has to wait.
  Yield yield() { return {*this}; }

  /// Runs turns until stop() is called. May be run again.
  void run();
  /// Makes run() return after the present turn, or at once if it is not running yet. Any thread.
  void stop();

  /// How many streams are open on this loop.
  std::size_t stream_count() const { return stream_count_; }
  /// Closes every stream: whoever waits on one is woken with ECANCELED, and later attempts give ECANCELED too. The
  /// hard end of a worker; run the loop until stream_count() is 0 to let the coroutines finish.
  void close_streams();

 private:
  friend class Stream;
  struct Asio;  // everything that needs Asio's headers

  void refresh_now() const;
  void end_turn();
  void run_hooks();

  mutable TimePoint now_{};
  mutable bool now_is_fresh_ = false;
  TimePoint long_work_began_{};
  bool did_long_work_ = false;  // since the last end of a turn
  std::size_t stream_count_ = 0;
  std::vector<std::coroutine_handle<>> ready_;  // resume_later, this turn
  std::vector<std::coroutine_handle<>> resuming_;
  std::vector<std::function<void()>> turn_end_;
  BufferPool buffers_;
  ReadinessSet readiness_;
  std::unique_ptr<PipePool> pipes_;
  std::unique_ptr<Asio> asio_;
  Timers timers_;
};

/// `co_await sleep(loop, duration)`: goes on after `duration`.
class [[nodiscard]] Sleep : private Timer {
 public:
  Sleep(Loop& loop, std::chrono::milliseconds duration) : Timer(loop.timers()), duration_(duration) {}
  bool await_ready() const noexcept { return duration_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    arm(duration_);
  }
  void await_resume() const noexcept {}

 private:
  void on_timer() override { coroutine_.resume(); }

  std::chrono::milliseconds duration_;
  std::coroutine_handle<> coroutine_;
};
inline Sleep sleep(Loop& loop, std::chrono::milliseconds duration) {
  return Sleep(loop, duration);
}

}  // namespace weir::net
