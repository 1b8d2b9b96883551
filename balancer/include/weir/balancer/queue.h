// Requests that wait for room in an upstream whose backends all have as many as `max_conns` allows: first come, first
// served, over all threads.
//
// The library keeps the order and says when there is room; how to wait is the caller's affair:
//
//   request.can_wait = true;
//   std::optional<Lease> lease;
//   if (!queue.is_contended()) lease = reader.acquire(request);
//   if (!lease && queue.join(waiter, 100)) {
//     while (!lease && wait_for_call_or_deadline()) {
//       lease = reader.acquire(request);
//       if (!lease) queue.rejoin(waiter);          // somebody was faster: it waits where it waited before
//     }
//     queue.leave(waiter, lease.has_value());
//   }
//
// Nobody is called when the rest of a backend that failed is over, as that ends at a pick, and somebody else may be
// called for room that only those may use who ask for a draining backend. So whoever waits looks now and then whether
// `reader.is_check_due` or `reader.is_draining`, and then acquires without a call, after which there is no `rejoin`.
//
// Whoever joins while nobody knows that there is no room is called at once: room may have come just before, when there
// was nobody to call.
//
// Thread safety: everything may be called from any thread at once. A lock is held for a few instructions, and taken
// only while requests wait: a pick or a release never takes it otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
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
    /// It is this request's turn: try again. Called with the queue's lock held, on any thread, also on the one that
    /// joins: post, and return.
    virtual void room() noexcept = 0;

    enum class State : unsigned char { Outside, Waiting, Called } state_ = State::Outside;
    std::uint64_t ticket_ = 0;  // the order of arrival
    std::uint64_t news_ = 0;    // what the queue's was when this one was called
    Waiter* before_ = nullptr;
    Waiter* after_ = nullptr;
  };

  /// Joins at the end. Returns false if `most` wait already.
  bool join(Waiter& waiter, std::size_t most);
  /// Was called, and found no room: waits again, before all who came later. If room came meanwhile, it is called.
  void rejoin(Waiter& waiter);
  /// Leaves, served or not; `room` is not running for it and will not be called again. A call that it had not used
  /// goes to the next one.
  void leave(Waiter& waiter, bool served);

  /// Whether requests wait, or were called and have not come yet: who arrives now is behind them.
  bool is_contended() const noexcept { return present_.load(std::memory_order_seq_cst) != 0; }
  /// How many there are of these.
  std::size_t size() const noexcept { return present_.load(std::memory_order_relaxed); }

  /// There is room for one more request: calls the first.
  void call_one() noexcept {
    if (is_contended()) call_first();
  }
  /// There is room for who knows how many: calls all.
  void call_all() noexcept {
    if (is_contended()) call_everyone();
  }

 private:
  void wait_behind(Waiter* before, Waiter& waiter) noexcept;
  void call_first() noexcept;
  void call_everyone() noexcept;
  void call(Waiter& waiter) noexcept;
  void unlink(Waiter& waiter) noexcept;
  bool may_have_room() const noexcept { return news_ != known_; }

  std::atomic<std::size_t> present_{0};
  std::mutex mutex_;
  std::uint64_t arrivals_ = 0;
  // Nobody waits while there may be room: these differ only while all who are present are called.
  std::uint64_t news_ = 0;   // how often there was, or may have been, more room than calls
  std::uint64_t known_ = 0;  // the last of these after which a request found none
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace weir::balancer
