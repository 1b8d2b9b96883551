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
  Lease(Lease&& other) noexcept { take(other); }
  Lease& operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    if (backend_ != nullptr) give_back();
    take(other);
    return *this;
  }
  ~Lease() {
    if (backend_ != nullptr) give_back();
  }

  /// The backend to use; valid while the lease lives.
  const Backend& backend() const noexcept { return *backend_; }

  /// Reports that a good answer began at `now`. If this request was a check, the backend is healthy again. Need not be
  /// called, but answers may take long to come to their end.
  void first_byte(TimePoint now) noexcept;

  /// Reports that the backend did its work, and that it was done at `now`. If this request was a check, the backend is
  /// healthy again.
  void succeeded(TimePoint now) noexcept;

  /// Reports that the backend answered, at `now`, with an error of its own: HTTP's 500, 502, 503 or 504. It is not
  /// marked for that; but if many answers are like this, methods that go by load give it less (see share.h), so that
  /// failing fast does not pay.
  void erred(TimePoint now) noexcept;

  /// Reports that the backend failed the request at `now`: it refused, reset, timed out or spoke nonsense. Enough of
  /// these (`Member::max_fails`) and it is marked failed. A lease that ends without a report says nothing.
  void failed(TimePoint now) noexcept;

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
  /// Whether the backend was taken although it is marked failed, because all are.
  bool is_last_resort() const noexcept { return is_last_resort_; }
  /// The time that the request gave when it was picked for.
  TimePoint started() const noexcept { return started_; }

 private:
  friend class Snapshot;
  /// Takes over a claim that was just made.
  Lease(Backend& backend, TimePoint now, bool is_check, bool is_last_resort) noexcept
      : backend_(&backend),
        block_(backend.slot().block),
        started_(now),
        lane_(static_cast<std::uint8_t>(backend.slot().lane)),
        is_check_(is_check),
        is_last_resort_(is_last_resort) {}
  /// From now on this request's times are kept.
  void begin_timing(Running running) noexcept;
  void end_running() noexcept;
  void give_back() noexcept;
  void take(Lease& other) noexcept {
    backend_ = std::exchange(other.backend_, nullptr);
    block_ = other.block_;
    started_ = other.started_;
    first_byte_ = other.first_byte_;
    lane_ = other.lane_;
    is_check_ = other.is_check_;
    is_last_resort_ = other.is_last_resort_;
    is_timed_ = other.is_timed_;
    running_ = other.running_;
    ends_at_first_byte_ = other.ends_at_first_byte_;
  }

  Backend* backend_;
  Block* block_;  // its slot, so that giving back need not touch the backend
  TimePoint started_{};
  TimePoint first_byte_ = TimePoint::min();
  std::uint8_t lane_;
  bool is_check_ = false;
  bool is_last_resort_ = false;
  bool is_timed_ = false;
  bool running_ = false;  // counts in the age of what is under way
  bool ends_at_first_byte_ = false;
};

}  // namespace weir::balancer
