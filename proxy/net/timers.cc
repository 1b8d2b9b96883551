#include "net/timers.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "log/check.h"
#include "net/out_of_memory.h"

namespace weir::net {

void Timer::arm(std::chrono::milliseconds after) {
  arm_at(timers_->driver_.now() + after);
}

Timers::Timers(TimerDriver& driver) : driver_(driver), current_(last_tick(driver.now())) {}

Timers::~Timers() {
  // A timer that is left here will outlive us; it must not reach into the wheel when it is destroyed.
  for (Timer*& slot : slots_)
    while (slot) slot->unlink();
}

void Timers::insert(Timer& timer, std::uint64_t tick) {
  timer.unlink();
  // Beyond the wheel: as far as it goes, and further when that comes round.
  tick = std::clamp(tick, current_ + 1, current_ + kSlots - 1);
  Timer*& slot = slots_[tick % kSlots];
  timer.next_ = slot;
  if (slot) slot->link_ = &timer.next_;
  slot = &timer;
  timer.link_ = &slot;
  timer.slot_tick_ = tick;
  used_[tick % kSlots / 64] |= std::uint64_t{1} << tick % 64;
  if (tick < planned_ && !advancing_) {
    planned_ = tick;
    driver_.wake_at(TimePoint(std::chrono::nanoseconds(tick << kTickBits)));
  }
}

void Timers::advance(TimePoint now) {
  WEIR_CHECK(!advancing_);
  const std::uint64_t last = last_tick(now);
  if (last <= current_) return plan_wake();
  const std::uint64_t first = std::max(current_ + 1, last - std::min(last, kSlots - 1));
  current_ = last;
  advancing_ = true;
  for (std::uint64_t tick = first; tick <= last; ++tick) {
    std::uint64_t& word = used_[tick % kSlots / 64];
    const std::uint64_t bit = std::uint64_t{1} << tick % 64;
    if (!(word & bit)) continue;
    word &= ~bit;
    // On a list of its own: what is called may arm, disarm or destroy any timer, these too.
    Timer* due = std::exchange(slots_[tick % kSlots], nullptr);
    if (due) due->link_ = &due;
    while (Timer* timer = due) {
      timer->unlink();
      if (timer->deadline_ == Timer::kNever) continue;
      if (timer->deadline_ > now) {
        insert(*timer, tick_of(timer->deadline_));
        continue;
      }
      timer->deadline_ = Timer::kNever;
      OutOfMemory::unless([timer] { timer->on_timer(); });
    }
  }
  advancing_ = false;
  plan_wake();
}

void Timers::plan_wake() {
  planned_ = kNoWake;
  // The words of the bit set in the order in which their slots come round; the first one may come round twice.
  const std::uint64_t start = current_ + 1;
  for (std::uint64_t passed = 0; passed <= kSlots;) {
    const std::uint64_t tick = start + passed;
    const std::uint64_t word = used_[tick % kSlots / 64] >> tick % 64;
    if (word) {
      planned_ = tick + static_cast<unsigned>(std::countr_zero(word));
      driver_.wake_at(TimePoint(std::chrono::nanoseconds(planned_ << kTickBits)));
      return;
    }
    passed += 64 - tick % 64;
  }
}

}  // namespace weir::net
