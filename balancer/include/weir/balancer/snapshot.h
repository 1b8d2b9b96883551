// An upstream's backends and pickers at one moment. The lists never change; the counters of the backends do.
//
// Thread safety: everything may be called from any thread at once.
#pragma once

#include <weir/balancer/lease.h>
#include <weir/balancer/picker.h>

#include <cstdint>
#include <memory>
#include <optional>

namespace weir::balancer {

class Snapshot {
 public:
  /// Made by `Upstream` only.
  Snapshot(std::uint64_t generation, std::shared_ptr<Board> board, Backends primaries, Backends backups,
           const PickerSpec& method);

  /// Counts the changes of this upstream; the first membership is 1, the empty one before it 0.
  std::uint64_t generation() const noexcept { return generation_; }
  const Backends& primaries() const noexcept { return primaries_.backends; }
  const Backends& backups() const noexcept { return backups_.backends; }

  /// Picks and claims a backend; see `UpstreamReader::acquire`.
  std::optional<Lease> acquire(const PickRequest& request) const;

 private:
  struct Tier {
    Backends backends;
    std::unique_ptr<const Picker> picker;
  };

  /// A lease in the making; no backend: none could be had.
  struct Claim {
    Backend* backend = nullptr;
    bool is_check = false;
  };

  static Tier make_tier(Backends backends, const PickerSpec& method);
  static Claim claim_from(const Tier& tier, const PickRequest& request);
  /// The last resort: of the untried ones that are marked failed, the one that failed or was tried longest ago.
  Claim claim_failed(const PickRequest& request) const;
  void end_rests(TimePoint now) const noexcept;

  const std::uint64_t generation_;
  const std::shared_ptr<Board> board_;
  const Tier primaries_;
  const Tier backups_;
};

}  // namespace weir::balancer
