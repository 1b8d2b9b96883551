// What a source announces about one server of an upstream. A plain value; sources make it, `Upstream::update` reads
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

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

  /// After it joined, recovered or was undrained its share grows from next to nothing to all over so long; 0: at once.
  /// Not done while more than half of its group is growing. Source: nginx's `slow_start`.
  std::chrono::milliseconds slow_start{0};

  /// What a sticky request (`PickRequest::route`) names it by. Empty: `default_route(address)`.
  std::string route{};

  /// Where it stands; see `Upstream::set_zone`. Empty: nowhere in particular.
  std::string zone{};

  /// What consistent hashing places on its ring: members with the same one share its points. Empty: the address.
  std::string hash_key{};

  friend bool operator==(const Member&, const Member&) = default;
};

inline constexpr std::uint32_t kMaxWeight = 1'000'000;

/// The route of a member that has none: 32 hexadecimal digits, always the same for an address. Source: nginx makes the
/// value of its sticky cookie so (the MD5 of the address), so cookies stay good when one replaces the other.
std::string default_route(std::string_view address);

}  // namespace weir::balancer
