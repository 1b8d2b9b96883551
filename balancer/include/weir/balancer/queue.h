// Requests that wait for room in an upstream whose backends all have as many as `max_conns` allows: first come, first
// served, over all threads.
//
// The library keeps the order and says when there is room; how to wait is the caller's affair:
//
//   std::optional<Lease> lease;
//   if (!queue.is_contended()) lease = reader.acquire(request);
//   if (!lease && queue.join(waiter, 100)) {
//     if (queue.is_first(waiter)) lease = reader.acquire(request);  // room may have come just before
//     while (!lease && wait_for_call_or_deadline()) {
//       lease = reader.acquire(request);
//       if (!lease) queue.rejoin(waiter);          // somebody was faster: first in line again
//     }
//     queue.leave(waiter, lease.has_value());
//   }
//
// Thread safety: everything may be called from any thread at once. A lock is held for a few instructions, and taken
// only while requests wait: a pick or a release never takes it otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

namespace weir::balancer {

class Queue {
 public:
  /// One waiting request. Derive, and implement `room`.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    virtual ~Waiter() = default;  // leave the queue first

   private:
    friend class Queue;
    /// It is this request's turn: try again. Called once, on any thread, with the queue's lock held: post, and return.
    virtual void room() noexcept = 0;

    enum class State : unsigned char { Outside, Waiting, Called } state_ = State::Outside;
    Waiter* before_ = nullptr;
    Waiter* after_ = nullptr;
  };

  /// Joins at the end. Returns false if `most` wait already.
  bool join(Waiter& waiter, std::size_t most);
  /// Whether nobody waits before `waiter`, who waits.
  bool is_first(const Waiter& waiter);
  /// Joins at the head: was called, and found no room.
  void rejoin(Waiter& waiter);
  /// Leaves, served or not; `room` is not running for it and will not be called again. A call that it had not used
  /// goes to the next one.
  void leave(Waiter& waiter, bool served);

  /// Whether requests wait, or were called and have not come yet: who arrives now is behind them.
  bool is_contended() const noexcept { return present_.load(std::memory_order_seq_cst) != 0; }
  /// How many there are of these.
  std::size_t size() const noexcept { return present_.load(std::memory_order_relaxed); }

  /// There is room for `count` more requests: calls as many.
  void call(std::size_t count) noexcept {
    if (is_contended()) call_waiting(count);
  }

 private:
  void call_waiting(std::size_t count) noexcept;
  void unlink(Waiter& waiter) noexcept;

  std::atomic<std::size_t> present_{0};
  std::mutex mutex_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace weir::balancer
