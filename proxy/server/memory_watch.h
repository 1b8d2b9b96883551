// What a flood of connections took is given back when it is over, and what it has no more use for while it lasts: free
// blocks to the allocator, and its free pages to the system.
//
// Looks once a second while there are many connections, and until less of them is left no more. Belongs to one worker.
#pragma once

#include <cstdint>

#include "http/worker_counters.h"
#include "net/loop.h"

namespace weir::server {

class MemoryWatch final : private net::Timer {
 public:
  MemoryWatch(net::Loop& loop, const http::WorkerCounters& counters)
      : net::Timer(loop.timers()), loop_(loop), counters_(counters) {}

  /// A connection came.
  void note_connection() {
    if (!is_armed() && is_many()) begin();
  }

 private:
  bool is_many() const;
  /// Octets that connections hold, more or less.
  std::uint64_t held() const;
  void begin();
  void on_timer() override;

  net::Loop& loop_;
  const http::WorkerCounters& counters_;
  std::uint64_t most_ = 0, before_ = 0;  // that were held, since memory was given back, and at the last look
};

}  // namespace weir::server
