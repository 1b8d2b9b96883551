// What a worker's connections do, counted; and the sums over all workers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "http/refusal.h"

namespace weir::http {

using Counter = std::atomic<std::uint64_t>;

/// Of one worker. Only the worker writes; any thread may read. On cache lines of its own, so that counting costs what a
/// plain variable costs.
struct alignas(64) WorkerCounters {
  Counter accepted{0};     // connections, by the kernel's word
  Counter turned_away{0};  // of these, closed at once because no place could be made for them
  Counter requests{0};     // heads that began to arrive
  Counter active{0};       // connections there are, handshakes among them
  Counter reading{0};      // of these, those in the middle of a head
  Counter writing{0};      // from the end of the head to that of the response
  Counter waiting{0};      // between requests, or before the first
  std::array<Counter, kRefusals> refused{};  // by Refusal

  /// No read-modify-write is needed where there is one writer.
  static void add(Counter& counter, std::int64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by), std::memory_order_relaxed);
  }
  void count(Refusal why) { add(refused[static_cast<std::size_t>(why)], 1); }
};

/// All workers of the process. Complete before the first request is served; immutable then.
class ProcessCounters {
 public:
  void add(const WorkerCounters& worker) { workers_.push_back(&worker); }
  std::size_t workers() const { return workers_.size(); }
  std::chrono::steady_clock::time_point began() const { return began_; }

  /// Each worker's at its own moment: the sums of two counters may disagree by what is under way.
  std::uint64_t sum(Counter WorkerCounters::*which) const {
    return sum_of([which](const WorkerCounters& worker) -> const Counter& { return worker.*which; });
  }
  std::uint64_t refused(Refusal why) const {
    return sum_of([why](const WorkerCounters& worker) -> const Counter& {
      return worker.refused[static_cast<std::size_t>(why)];
    });
  }

 private:
  template <class Get>
  std::uint64_t sum_of(Get get) const {
    std::uint64_t sum = 0;
    for (const WorkerCounters* const worker : workers_) sum += get(*worker).load(std::memory_order_relaxed);
    return sum;
  }

  std::vector<const WorkerCounters*> workers_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace weir::http
