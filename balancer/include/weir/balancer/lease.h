// One request's or session's claim on a backend. It counts from the pick until the lease is destroyed, so a pending
// connect is load too.
//
// Thread safety: a lease may move to another thread and end there; one lease is used by one thread at a time.
// A lease may outlive the reader, the snapshot and the upstream it came from.
#pragma once

#include <weir/balancer/backend.h>

#include <utility>

namespace weir::balancer {

class [[nodiscard]] Lease {
 public:
  Lease(Lease&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)),
        block_(other.block_),
        lane_(other.lane_),
        is_check_(other.is_check_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(block_, other.block_);
    std::swap(lane_, other.lane_);
    std::swap(is_check_, other.is_check_);
    return *this;
  }
  ~Lease() {
    if (backend_ != nullptr) give_back();
  }

  /// The backend to use; valid while the lease lives.
  const Backend& backend() const noexcept { return *backend_; }

  /// Reports that the backend did its work. If this request was a check, the backend is healthy again.
  void succeeded(TimePoint) noexcept { backend_->report_success(is_check_); }

  /// Reports that the backend failed the request at `now`: it refused, reset, timed out or spoke nonsense. Enough of
  /// these (`Member::max_fails`) and it is marked failed. A lease that ends without a report says nothing.
  void failed(TimePoint now) noexcept { backend_->report_failure(now); }

  /// Reports that the answer to a request sent at `sent` begins at `now`. A backend that was thought to hang is back.
  void answered(TimePoint sent, TimePoint now) noexcept { backend_->report_answer(sent, now); }

  /// Reports that this request is overdue (`Pulse::overdue_from`). Returns how many are, none having been answered since.
  std::uint32_t overdue() noexcept { return backend_->pulse_.note_overdue(); }

  /// Reports that the backend seems to hang: nothing comes from it for much longer than usual (`Pulse`). It is marked
  /// failed at once, until it answers anyone or its rest is over. Returns whether it is marked; it is not if it never
  /// may be (`max_fails` 0, or the only one).
  bool hangs(TimePoint now) noexcept { return backend_->report_hang(now); }

  /// Whether this request finds out if a failed backend works again.
  bool is_check() const noexcept { return is_check_; }

 private:
  friend class Snapshot;
  /// Takes over a claim that was just made.
  Lease(Backend& backend, bool is_check) noexcept
      : backend_(&backend), block_(backend.slot().block), lane_(backend.slot().lane), is_check_(is_check) {}
  void give_back() noexcept;

  Backend* backend_;
  Block* block_;  // its slot, so that giving back need not touch the backend
  std::uint32_t lane_;
  bool is_check_;
};

}  // namespace weir::balancer
