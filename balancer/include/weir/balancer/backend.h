// One server of an upstream, with its live counters.
//
// A backend keeps its identity and its counters for as long as its address is announced, whatever else changes about
// it; one that left lives on until its last lease ends, and is the same one if announced again before that.
//
// Thread safety: everything public may be called from any thread at once.
// Invariant: `active()` is the number of leases that exist for it, at every moment.
#pragma once

#include <weir/balancer/health.h>
#include <weir/balancer/members.h>
#include <weir/balancer/pulse.h>
#include <weir/balancer/share.h>
#include <weir/balancer/timings.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::balancer {

class Board;
struct Block;

/// Where a backend's counter lives, beside those of its fellows. Stays the same as long as the backend exists.
struct Slot {
  Block* block = nullptr;
  std::uint32_t lane = 0;  // 0..63
};

class Backend {
 public:
  /// Made by `Upstream::update` only.
  Backend(std::shared_ptr<Board> board, Members::Pointer member, bool is_vetoed);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  /// Unlike that of any other backend of this process, past or future.
  std::uint64_t id() const noexcept { return id_; }
  const std::string& address() const noexcept { return address_; }

  /// Whether it serves only when no primary can.
  bool is_backup() const noexcept { return is_backup_.load(std::memory_order_relaxed); }

  /// What was last announced. Makes a copy under a lock: for status pages and logs, not for each request.
  Member member() const;

  /// What sticky requests name it by. The text stays as long as the backend, even if another takes its place.
  const std::string& route() const noexcept { return *route_.load(std::memory_order_acquire); }

  /// Share of the traffic as announced, at least 1.
  std::uint32_t weight() const noexcept { return weight_.load(std::memory_order_relaxed); }
  /// The part of it that counts now: less while it warms up, or after errors.
  float weight_now() const noexcept;
  /// Leases per unit of the weight that counts now, as `least_conn` compares them.
  float load() const noexcept { return static_cast<float>(active()) / weight_now(); }
  /// Leases that exist now.
  std::uint32_t active() const noexcept;
  /// Whether it may be picked: not down, draining, gone, marked failed, vetoed or at its `max_conns`.
  bool is_available() const noexcept;
  /// Whether it rests after too many failures.
  bool is_failed() const noexcept;
  /// Whether a health check says that it does not work (`Upstream::veto`).
  bool is_vetoed() const noexcept;
  /// Whether it has as many leases as `max_conns` allows.
  bool is_full() const noexcept;
  /// Whether it takes no new requests by decision: down, draining, or no longer announced.
  bool is_shut() const noexcept;
  /// Whether it was told to serve nobody at all: down, or no longer announced.
  bool is_down() const noexcept;
  /// Whether it is draining: only requests that ask for its `route` go there.
  bool is_draining() const noexcept;
  /// Whether it gets less than its share for now.
  bool is_spared() const noexcept;

  /// Leases ever given.
  std::uint64_t requests() const noexcept { return requests_.load(std::memory_order_relaxed); }
  /// Failures ever reported.
  std::uint64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }
  const Health& health() const noexcept { return health_; }
  /// How soon it begins to answer.
  const Pulse& pulse() const noexcept { return pulse_; }
  const Share& share() const noexcept { return share_; }
  const Timings& timings() const noexcept { return timings_; }
  Slot slot() const noexcept { return slot_; }

 private:
  friend class Lease;
  friend class Snapshot;
  friend class Upstream;

  bool is_closed_for(std::uint32_t reasons) const noexcept;

  /// Adds a claim, if the backend is available (but for `despite`) and its health admits a request at `now`; else says
  /// Refused. A lease is to be made of the claim at once.
  Health::Admission claim(TimePoint now, std::uint32_t despite = 0) noexcept;
  /// The same although it is marked failed; the request becomes a check.
  Health::Admission claim_failed(TimePoint now) noexcept;

  /// Takes a claim back. Touches `backend` only if it was the last claim of one that has left.
  static void give_back(Backend& backend, Block& block, std::uint32_t lane) noexcept;

  /// Whether, of the requests that would come here, this one may.
  bool take_share(bool by_load) noexcept;

  void report_success(TimePoint now, bool was_check) noexcept;
  void report_error(TimePoint now, bool was_check) noexcept;
  void report_failure(TimePoint now) noexcept;
  void report_answer(TimePoint sent, TimePoint now) noexcept;
  bool report_hang(TimePoint now) noexcept;
  void set_vetoed(bool vetoed) noexcept;
  /// Closes it because of its failures, until a check is due or succeeds.
  void rest(TimePoint now) noexcept;
  /// Opens it again if its rest is over at `now`; otherwise asks to be looked at again when it is.
  void end_rest(TimePoint now) noexcept;
  /// Makes the weight that counts what it is to be at `now`; as long as that changes, asks to be looked at again.
  void weigh(TimePoint now, bool all_warm) noexcept;
  /// Asks to be looked at, from `due` on.
  void note_check(TimePoint due) noexcept;
  void begin_warming() noexcept;
  void recover(TimePoint now) noexcept;

  // For Upstream, which calls these under its lock. Changes that open the backend come before the new snapshot is
  // published, those that close it after, so that no thread finds all doors closed in between.
  void apply(const Members::Pointer& member, bool is_only_one);
  /// Whether to apply `member` would change nothing; if so, it is the object that is looked for next time.
  bool is_applied(const Members::Pointer& member, bool is_only_one);
  void shut_if_told() noexcept;
  void set_route(std::string route);
  void retire(std::shared_ptr<Backend> self) noexcept;
  /// Undoes `retire`. Returns false when it is too late: the last lease has ended.
  bool return_to_service() noexcept;

  // What each request touches fits one cache line, and nothing else is in it.
  alignas(64) const Slot slot_;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> failures_{0};
  Health health_;  // but for its record of failures, which are rare

  alignas(64) Share share_;
  std::atomic<const std::string*> route_{nullptr};
  std::atomic<std::uint32_t> weight_{1};

  alignas(64) Timings timings_;

  // Touched when an answer begins.
  alignas(64) Pulse pulse_;
  std::atomic<bool> hangs_{false};  // marked because it hung

  alignas(64) std::size_t place_ = 0;  // among the upstream's seats, when an update last asked
  std::uint64_t seated_in_ = 0;        // the update that looked for its seat last
  Members::Pointer announced_;
  std::atomic<bool> is_backup_;
  bool is_only_one_ = false;

  const std::shared_ptr<Board> board_;
  const std::uint64_t id_;
  const std::string address_;
  std::shared_ptr<Backend> kept_by_leases_;  // itself, from leaving the upstream until the last lease ends
  mutable std::mutex announced_mutex_;       // for announced_
  std::vector<std::unique_ptr<const std::string>> routes_;  // all it ever had; the last one counts
};

}  // namespace weir::balancer
