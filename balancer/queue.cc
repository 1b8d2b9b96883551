#include <weir/balancer/queue.h>

namespace weir::balancer {

bool Queue::join(Waiter& waiter, std::size_t most) {
  const std::lock_guard lock(mutex_);
  if (present_.load(std::memory_order_relaxed) >= most) return false;
  waiter.before_ = last_;
  waiter.after_ = nullptr;
  (last_ != nullptr ? last_->after_ : first_) = &waiter;
  last_ = &waiter;
  waiter.state_ = Waiter::State::Waiting;
  // Before the caller looks for room once more: either that look finds it, or who makes room finds the waiter.
  present_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

bool Queue::is_first(const Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  return first_ == &waiter;
}

void Queue::rejoin(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter.state_ != Waiter::State::Called) return;
  waiter.before_ = nullptr;
  waiter.after_ = first_;
  (first_ != nullptr ? first_->before_ : last_) = &waiter;
  first_ = &waiter;
  waiter.state_ = Waiter::State::Waiting;
}

void Queue::leave(Waiter& waiter, bool served) {
  {
    const std::lock_guard lock(mutex_);
    if (waiter.state_ == Waiter::State::Outside) return;
    const bool was_called = waiter.state_ == Waiter::State::Called;
    if (!was_called) unlink(waiter);
    waiter.state_ = Waiter::State::Outside;
    present_.fetch_sub(1, std::memory_order_seq_cst);
    if (served || !was_called) return;
  }
  call(1);
}

void Queue::call_waiting(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  for (; count != 0 && first_ != nullptr; --count) {
    Waiter& waiter = *first_;
    unlink(waiter);
    waiter.state_ = Waiter::State::Called;
    waiter.room();
  }
}

void Queue::unlink(Waiter& waiter) noexcept {
  (waiter.before_ != nullptr ? waiter.before_->after_ : first_) = waiter.after_;
  (waiter.after_ != nullptr ? waiter.after_->before_ : last_) = waiter.before_;
  waiter.before_ = waiter.after_ = nullptr;
}

}  // namespace weir::balancer
