#include <weir/balancer/queue.h>

#include <algorithm>

namespace weir::balancer {

bool Queue::join(Waiter& waiter, std::size_t most) {
  const std::lock_guard lock(mutex_);
  if (present_.load(std::memory_order_relaxed) >= most) return false;
  waiter.ticket_ = ++arrivals_;
  // Before the waiter looks for room: either that look finds it, or who makes room finds the waiter.
  if (present_.fetch_add(1, std::memory_order_seq_cst) == 0) ++news_;
  wait_behind(last_, waiter);
  return true;
}

void Queue::rejoin(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiter.state_ != Waiter::State::Called) return;
  known_ = std::max(known_, waiter.news_);
  Waiter* before = nullptr;  // few came earlier and found no room either
  for (Waiter* other = first_; other != nullptr && other->ticket_ < waiter.ticket_; other = other->after_) before = other;
  wait_behind(before, waiter);
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
  call_one();
}

void Queue::wait_behind(Waiter* before, Waiter& waiter) noexcept {
  if (may_have_room()) return call(waiter);
  waiter.state_ = Waiter::State::Waiting;
  waiter.before_ = before;
  waiter.after_ = before != nullptr ? before->after_ : first_;
  (before != nullptr ? before->after_ : first_) = &waiter;
  (waiter.after_ != nullptr ? waiter.after_->before_ : last_) = &waiter;
}

void Queue::call_first() noexcept {
  const std::lock_guard lock(mutex_);
  if (first_ == nullptr) {
    ++news_;
    return;
  }
  Waiter& waiter = *first_;
  unlink(waiter);
  call(waiter);
}

void Queue::call_everyone() noexcept {
  const std::lock_guard lock(mutex_);
  ++news_;
  while (first_ != nullptr) {
    Waiter& waiter = *first_;
    unlink(waiter);
    call(waiter);
  }
}

void Queue::call(Waiter& waiter) noexcept {
  waiter.state_ = Waiter::State::Called;
  waiter.news_ = news_;
  waiter.room();
}

void Queue::unlink(Waiter& waiter) noexcept {
  (waiter.before_ != nullptr ? waiter.before_->after_ : first_) = waiter.after_;
  (waiter.after_ != nullptr ? waiter.after_->before_ : last_) = waiter.before_;
  waiter.before_ = waiter.after_ = nullptr;
}

}  // namespace weir::balancer
