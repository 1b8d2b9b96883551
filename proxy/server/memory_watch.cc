#include "server/memory_watch.h"

#include <malloc.h>

#include <algorithm>

#include "net/frame_pool.h"

namespace weir::server {

namespace {

constexpr std::uint64_t kManyConnections = 256;
constexpr std::uint64_t kConnectionOctets = 600;  // of an idle one
constexpr std::uint64_t kMuchMemory = 1 << 20;
constexpr std::chrono::milliseconds kPause{1'000};

}  // namespace

bool MemoryWatch::is_many() const { return counters_.active.load(std::memory_order_relaxed) >= kManyConnections; }

std::uint64_t MemoryWatch::held() const {
  return loop_.buffers().lent() + counters_.active.load(std::memory_order_relaxed) * kConnectionOctets;
}

void MemoryWatch::begin() {
  most_ = before_ = 0;
  loop_.buffers().unneeded();
  arm(kPause);
}

void MemoryWatch::on_timer() {
  const std::uint64_t now = held();
  most_ = std::max(most_, now);
  // A flood may come and go between two looks, so its end counts by itself.
  const bool is_over = !is_many() && now >= before_;
  if (loop_.buffers().unneeded() >= kMuchMemory || is_over || most_ - now >= std::max(most_ / 2, kMuchMemory)) {
    loop_.buffers().trim();
    net::FramePool::trim();
    ::malloc_trim(0);
    most_ = now;
  }
  before_ = now;
  if (!is_over) arm(kPause);
}

}  // namespace weir::server
