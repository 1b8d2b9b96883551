// Time limits, coarse and lazy: a wheel of 2048 slots of 8.4 ms.
//
// A timer fires at or up to two slots after its deadline, never before it. Pushing a deadline forward is one store:
// the timer stays in its slot, and when the wheel comes by it moves itself to where it now belongs. Disarming is one
// store too. Deadlines beyond the wheel (17 s) are looked at once a turn of it.
//
// Everything here belongs to one loop's thread. Timers must be destroyed before their wheel.
#pragma once

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>

namespace weir::net {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

class Timers;

/// Something that happens at a deadline. Derive, and implement `on_timer`.
class Timer {
 public:
  explicit Timer(Timers& timers) : timers_(&timers) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { unlink(); }

  /// Fires once `after` has passed from the loop's present turn; replaces an earlier deadline.
  void arm(std::chrono::milliseconds after);
  /// Fires once `deadline` has passed; replaces an earlier deadline.
  inline void arm_at(TimePoint deadline);
  /// Does not fire.
  void disarm() { deadline_ = kNever; }
  bool is_armed() const { return deadline_ != kNever; }
  /// When it fires; TimePoint::max() when it is not armed.
  TimePoint deadline() const { return deadline_; }

 protected:
  /// The deadline passed; the timer is not armed any more. May arm it again, and may destroy it. May fail for want of
  /// memory, which is then noted.
  virtual void on_timer() = 0;

 private:
  friend class Timers;
  static constexpr TimePoint kNever = TimePoint::max();

  void unlink() {
    if (!link_) return;
    *link_ = next_;
    if (next_) next_->link_ = link_;
    link_ = nullptr;
  }

  Timers* timers_;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this timer; null: in no slot
  TimePoint deadline_ = kNever;
  std::uint64_t slot_tick_ = 0;  // the tick at which the wheel looks at it, when it is in a slot
};

/// Who tells a wheel the time, and calls `Timers::advance` when asked.
class TimerDriver {
 public:
  virtual TimePoint now() const = 0;
  /// Call `advance` at `when` or soon after; only the latest call counts. Does not fail, so arming a timer does not.
  virtual void wake_at(TimePoint when) = 0;

 protected:
  ~TimerDriver() = default;
};

/// The wheel. A loop has one.
class Timers {
 public:
  explicit Timers(TimerDriver& driver);
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers();

  /// Fires what is due at `now`.
  void advance(TimePoint now);

 private:
  friend class Timer;
  static constexpr unsigned kTickBits = 23;  // 2^23 ns
  static constexpr std::size_t kSlots = 2048;
  static constexpr std::uint64_t kNoWake = ~std::uint64_t{0};

  // The first tick that does not lie before `time`.
  static std::uint64_t tick_of(TimePoint time) {
    const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
    return (ns + (std::uint64_t{1} << kTickBits) - 1) >> kTickBits;
  }
  // The last tick that does not lie after `time`.
  static std::uint64_t last_tick(TimePoint time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count()) >> kTickBits;
  }
  void insert(Timer& timer, std::uint64_t tick);
  void plan_wake();

  TimerDriver& driver_;
  std::uint64_t current_;            // the last tick that was looked at
  std::uint64_t planned_ = kNoWake;  // the tick that the driver was asked for
  bool advancing_ = false;
  std::array<std::uint64_t, kSlots / 64> used_{};  // a bit for each slot that may hold something
  std::array<Timer*, kSlots> slots_{};
};

void Timer::arm_at(TimePoint deadline) {
  deadline_ = deadline;
  const std::uint64_t tick = Timers::tick_of(deadline);
  if (link_ && slot_tick_ <= tick) return;  // it is looked at in time anyway
  timers_->insert(*this, tick);
}

}  // namespace weir::net
