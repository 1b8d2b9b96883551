// What a source announces about one server of an upstream. A plain value; sources make it, `Upstream::update` reads
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::balancer {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

struct Member {
  /// `10.0.0.1:8080`, `[::1]:80`, `unix:/path`: which backend this is. Two members of one upstream are the same
  /// backend if and only if their addresses are the same bytes. The library never interprets it.
  std::string address;

  /// Share of the traffic, relative to the other members. 0 is like `draining`; more than `kMaxWeight` counts as
  /// `kMaxWeight`.
  std::uint32_t weight = 1;

  /// Marked failed after this many failures; 0: never. Source: nginx's `server … max_fails fail_timeout`.
  std::uint32_t max_fails = 1;

  /// How long a marked backend rests before one request may try it, and how long a failure is remembered.
  std::chrono::milliseconds fail_timeout{10'000};

  /// Most leases at a time, never exceeded; 0: no limit.
  std::uint32_t max_conns = 0;

  bool backup = false;    // used only when no primary can be
  bool down = false;      // out of service: no requests at all
  bool draining = false;  // finishes what it has, gets nothing new

  /// As the operator wrote it, for logs. Empty: the address.
  std::string name{};

  friend bool operator==(const Member&, const Member&) = default;
};

inline constexpr std::uint32_t kMaxWeight = 1'000'000;

}  // namespace weir::balancer
