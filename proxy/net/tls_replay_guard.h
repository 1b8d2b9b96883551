// Tells the first of several identical hellos with early data from those that somebody sends again (RFC 8446 8.2).
//
// OpenSSL refuses early data with a ticket that is not as old as its hello says, give or take ten seconds; for a little
// longer than that each hello's random is remembered here. What is refused is no loss: clients send it again after the
// handshake. Thread-safe; at most two megabytes.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "net/timers.h"

namespace weir::net {

class TlsReplayGuard {
 public:
  using Random = std::array<unsigned char, 32>;

  /// Whether no such hello came of late. False also if there is no room to remember it.
  bool is_new(const Random& random, TimePoint now = Clock::now());

 private:
  static constexpr std::chrono::seconds kSpan{13};
  static constexpr std::size_t kMost = 1 << 15;  // in a span

  std::mutex mutex_;
  std::unordered_set<std::uint64_t> latest_, before_;  // a span of time each
  TimePoint since_{};                                  // when `latest_` began
};

}  // namespace weir::net
