// An upstream's backends and pickers at one moment. The lists never change; the counters of the backends do.
//
// Thread safety: everything may be called from any thread at once.
#pragma once

#include <weir/balancer/lease.h>
#include <weir/balancer/picker.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::balancer {

class Snapshot {
 public:
  /// How an upstream's backends are picked.
  struct Rules {
    PickerSpec method;
    std::string zone{};         // where the clients are; empty: zones do not matter
    bool keeps_timings = false;  // even if the method has no use for them
    bool keeps_routes = true;    // an index by route
  };

  /// Made by `Upstream` only. `keeper`: who holds it may use the backends.
  Snapshot(std::uint64_t generation, std::shared_ptr<Board> board, Backends primaries, Backends backups,
           const Rules& rules, std::shared_ptr<const void> keeper);

  /// Counts the changes of this upstream; the first membership is 1, the empty one before it 0.
  std::uint64_t generation() const noexcept { return generation_; }
  const Backends& primaries() const noexcept { return primaries_.all.backends; }
  const Backends& backups() const noexcept { return backups_.all.backends; }

  /// Whether every backend that is in service is marked failed, so that all of them are used nevertheless.
  bool is_in_panic() const noexcept;

  /// Picks and claims a backend; see `UpstreamReader::acquire`.
  std::optional<Lease> acquire(const PickRequest& request) const;

 private:
  friend class UpstreamReader;

  struct Part {
    Backends backends;
    std::unique_ptr<const Picker> picker;
  };
  /// The primaries, or the backups.
  struct Tier {
    Part all;
    std::unique_ptr<Part> near, far;  // if zones matter: those in the clients' zone, and the others
    std::vector<std::pair<std::size_t, std::uint32_t>> by_route;  // hash and who; sorted; empty: there is no index
  };

  /// A lease in the making; no backend: none could be had.
  struct Claim {
    Backend* backend = nullptr;
    bool is_check = false;
    bool is_last_resort = false;
  };

  static Part make_part(Backends backends, const PickerSpec& method);
  static Tier make_tier(Backends backends, const Rules& rules);
  Claim claim_from(const Tier& tier, const PickRequest& request) const;
  Claim claim_from(const Part& part, const PickRequest& request) const;
  /// Picks in the clients' zone, unless it is loaded more than the others are.
  Claim claim_near(const Tier& tier, const PickRequest& request) const;
  /// Calls `visit` with those that have `route`, until it returns true. Returns whether it did.
  template <class Visit>
  static bool any_with_route(const Tier& tier, std::string_view route, Visit visit);
  /// Whether one with `route` is draining.
  bool is_draining(std::string_view route) const;
  /// The one that the request asks for, if it can be had.
  static Claim claim_route(const Tier& tier, const PickRequest& request);
  /// The last resort: of the untried ones that are marked failed, the one that failed or was tried longest ago.
  Claim claim_failed(const PickRequest& request) const;
  /// Looks at those that rest, warm up or had errors.
  void attend(TimePoint now) const noexcept;

  const std::uint64_t generation_;
  const std::shared_ptr<Board> board_;
  const std::shared_ptr<const void> keeper_;
  const PickerTraits traits_;
  const bool is_timed_;
  const Tier primaries_;
  const Tier backups_;
};

}  // namespace weir::balancer
