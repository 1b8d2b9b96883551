// A named group of backends, and one thread's view of it.
//
//   auto app = std::make_shared<Upstream>("app", *find_picker("least_conn"));
//   app->update({{.address = "10.0.0.1:80"}, {.address = "10.0.0.2:80", .weight = 3}});   // any thread
//
//   UpstreamReader reader(app);                                                           // one per thread
//   if (std::optional<Lease> lease = reader.acquire({.now = Clock::now()})) use(lease->backend().address());
#pragma once

#include <weir/balancer/lease.h>
#include <weir/balancer/members.h>
#include <weir/balancer/picker.h>
#include <weir/balancer/queue.h>
#include <weir/balancer/sessions.h>
#include <weir/balancer/snapshot.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::balancer {

struct Tally;

/// What becomes of backends that were no members before.
enum class Newcomers : std::uint8_t {
  Serve,  // they are picked at once
  Prove,  // they are vetoed until a health check lifts it
};

/// What a pick says about an upstream's panic: that every backend is marked failed, so that all are used nevertheless.
enum class PanicChange : std::uint8_t { None, Begins, Ends };

/// A named group of backends whose membership may change at any time.
///
/// Thread safety: everything may be called from any thread at once. Changes are done one after the other, beside the
/// picking threads, which never wait for one.
class Upstream {
 public:
  Upstream(std::string name, const PickerSpec& method);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const std::string& name() const noexcept { return name_; }

  /// Makes `members` the complete membership. A backend whose address stays keeps its identity and its counters,
  /// whatever else changed about it; one that left gets no new request from the moment this returns. Of members with
  /// the same address the first counts.
  /// Costs little for each member that is announced as before, and in the same order; least if it is the same object.
  void update(const Members& members, Newcomers newcomers = Newcomers::Serve) { update(std::span(&members, 1), newcomers); }
  /// The same of members in several lists, one after the other.
  void update(std::span<const Members> parts, Newcomers newcomers = Newcomers::Serve);

  /// Lets a health check take the backend at `address` out of rotation, or back in; then its failures are forgotten. It
  /// is picked meanwhile only when nobody else is left. Returns false if there is no such backend.
  bool veto(std::string_view address, bool vetoed);

  /// Changes the balancing method; backends and counters stay.
  void set_method(const PickerSpec& method);

  /// Says in which zone those are who pick here. Backends of that zone (`Member::zone`) are then preferred, until they
  /// are loaded half as much again as the others. Empty, as at first: zones do not matter.
  void set_zone(std::string zone);

  /// Keeps `Backend::timings` even if the method has no use for them.
  void keep_timings(bool keep);

  /// Whether to keep an index of the backends by their route, as at first. Without one a change of a large membership
  /// costs less, and a request that names a route (`PickRequest::route`) more.
  void keep_routes(bool keep);

  /// Requests that wait because every backend is at its `max_conns`.
  Queue& queue() noexcept;
  /// Where the sessions that clients keep belong; the picker does not look here, `PickRequest::route` is for that.
  Sessions& sessions() noexcept { return sessions_; }

  /// The present backends. For status pages; threads that pick use an `UpstreamReader`.
  std::shared_ptr<const Snapshot> snapshot() const;

 private:
  friend class UpstreamReader;
  using List = std::vector<std::shared_ptr<Backend>>;
  using ByAddress = std::unordered_map<std::string_view, std::shared_ptr<Backend>>;  // keys point into the backends

  /// A backend and the member that was announced for it last, which it keeps: the same object is the same member.
  struct Seat {
    const Member* member;
    Backends::Entry entry;
  };
  class FormerSeats;
  struct Leavers;

  /// The one at `member.address`, which is made if there is none. Null: the member was said twice.
  Backend* backend_for(const Members::Pointer& member, Newcomers newcomers, FormerSeats& former);
  Backend& make_backend(const Members::Pointer& member, Newcomers newcomers);
  /// Notes who has no seat any more.
  List say_farewell(const FormerSeats& former);
  void publish(std::vector<Seat> seats, List gone = {});
  template <class Value>
  void set_rule(Value Snapshot::Rules::*rule, Value value);

  const std::string name_;
  const std::shared_ptr<Board> board_;

  std::mutex change_mutex_;  // held by whoever changes the upstream; guards what follows
  Snapshot::Rules rules_;
  std::uint64_t updates_ = 0;
  bool is_settled_ = true;    // the last one came to its end
  bool is_only_one_ = false;  // is that what the backends know?
  std::vector<Seat> seats_;   // in the order of the announcement
  ByAddress by_address_;
  std::shared_ptr<Leavers> leavers_;  // keeps the backends of the present snapshot that will be gone by the next
  std::unordered_map<std::string, std::weak_ptr<Backend>> departed_;  // gone, but perhaps with leases
  std::vector<std::shared_ptr<const Snapshot>> previous_;             // freed here, not by a picking thread

  Sessions sessions_;

  mutable std::mutex current_mutex_;  // held only to copy or swap the pointer
  std::shared_ptr<const Snapshot> current_;
  alignas(64) std::atomic<std::uint64_t> generation_{0};  // that of current_; readers compare it at each pick
  std::atomic<Clock::rep> panic_since_{kNoPanic};         // here, as it is looked at as often
  static constexpr Clock::rep kNoPanic = std::numeric_limits<Clock::rep>::min();
};

/// One thread's view of an upstream. To follow changes costs one load per pick.
///
/// Thread safety: none; every thread has its own.
class UpstreamReader {
 public:
  explicit UpstreamReader(std::shared_ptr<Upstream> upstream);

  const Upstream& upstream() const noexcept { return *upstream_; }

  /// Leases that exist on all present backends together. Looks at each of them.
  std::uint64_t active() const noexcept;

  /// Picks a backend and claims it for one request.
  ///
  /// Takes the primary that the request asks for by its route; else asks the picker for one of the primaries; if none of
  /// them is available, does the same with the backups; if none of those is either, takes the one that failed or was
  /// tried longest ago although it is marked failed or even vetoed (see `request.only_available` and `can_wait`): so all
  /// of them are used in turn. Never one in `request.tried`. Takes no lock and allocates nothing unless the membership just
  /// changed.
  ///
  /// Several threads picking at once see each other's claims at latest one pick later: each of T threads can misplace
  /// the one request it is picking for, so counts are within T - 1 of what one thread would have made them.
  ///
  /// Unless the request asks for it, returns nothing only when every backend is tried, down, draining or at its
  /// `max_conns`, or there are none.
  std::optional<Lease> acquire(const PickRequest& request);

  /// Whether the next `acquire` looks at those that rest, warm up or had errors. Time alone calls nobody who waits in
  /// the upstream's queue: the rest of a backend ends when somebody looks.
  bool is_check_due(TimePoint now) const noexcept;

  /// Whether `route` leads to a backend that is draining: nobody else goes there, so whoever asks for it need not wait
  /// behind others in the upstream's queue.
  bool is_draining(std::string_view route);

  /// Tells whether with `lease`, just acquired, the upstream's panic begins or ends, so that somebody can be told. Of
  /// all threads one gets the answer, once. A panic counts as one for a second at least, however often its end and
  /// beginning come meanwhile. It costs one load unless the lease is a last resort or there was a panic.
  PanicChange note_panic(const Lease& lease) noexcept {
    const bool is_quiet = upstream_->panic_since_.load(std::memory_order_relaxed) == Upstream::kNoPanic;
    return lease.is_last_resort() != is_quiet ? PanicChange::None : find_panic_change(lease);
  }

 private:
  bool refresh();
  void attend(TimePoint now);
  PanicChange find_panic_change(const Lease& lease) noexcept;

  const std::shared_ptr<Upstream> upstream_;
  const std::shared_ptr<Tally> tally_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace weir::balancer
