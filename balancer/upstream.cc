#include <weir/balancer/upstream.h>

#include <algorithm>
#include <utility>

#include "board.h"

namespace weir::balancer {
namespace {

bool name_one_address(std::span<const Members> parts) {
  const std::string* first = nullptr;
  for (const Members& members : parts)
    for (const Member& member : members) {
      if (first == nullptr) first = &member.address;
      if (member.address != *first) return false;
    }
  return true;
}

}  // namespace

/// The seats of the update before, of which each is taken once. Most members stay what and where they were, and for
/// these nothing is looked at but the seat.
class Upstream::FormerSeats {
 public:
  explicit FormerSeats(const std::vector<Seat>& seats) : seats_(seats), is_taken_(seats.size()) {}

  /// Takes the next seat if it is this very member's. Else null.
  const Seat* take_next(const Member* member) noexcept {
    if (next_ == seats_.size() || seats_[next_].member != member || is_taken_[next_]) return nullptr;
    is_taken_[next_] = true;
    return &seats_[next_++];
  }

  /// Who has the next seat. Null: it is taken, or there is none.
  Backend* next() const noexcept {
    return next_ == seats_.size() || is_taken_[next_] ? nullptr : seats_[next_].entry.backend;
  }

  /// Takes the seat of `backend`, wherever it is. False: somebody has, so it was said twice.
  bool take(const Backend& backend) {
    const std::size_t at = find(backend);
    if (at == kNowhere) return true;
    if (is_taken_[at]) return false;
    is_taken_[at] = true;
    next_ = at + 1;
    return true;
  }

  template <class Visit>
  void for_each_left(Visit visit) const {
    for (std::size_t at = 0; at < seats_.size(); ++at)
      if (!is_taken_[at]) visit(*seats_[at].entry.backend);
  }

 private:
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  static constexpr std::size_t kNear = 64;  // how far ahead it is looked for by looking, as a few before it are gone

  std::size_t find(const Backend& backend) {
    const std::size_t end = std::min(seats_.size(), next_ + kNear);
    for (std::size_t at = next_; at < end; ++at)
      if (seats_[at].entry.backend == &backend) return at;
    if (!is_numbered_) {
      for (std::size_t at = 0; at < seats_.size(); ++at) seats_[at].entry.backend->place_ = at;
      is_numbered_ = true;
    }
    const std::size_t at = backend.place_;
    return at < seats_.size() && seats_[at].entry.backend == &backend ? at : kNowhere;
  }

  const std::vector<Seat>& seats_;
  std::vector<std::uint8_t> is_taken_;
  std::size_t next_ = 0;
  bool is_numbered_ = false;
};

/// The backends that left with one change, and then those that left later. The snapshot before the change holds it, so that
/// whom it names lives as long as it does.
struct Upstream::Leavers {
  List backends;
  ByAddress others;  // the upstream itself is gone
  std::shared_ptr<Leavers> later;

  ~Leavers() {
    // One after the other: were each to let go of the next, a long row would need a deep stack.
    std::shared_ptr<Leavers> last = std::move(later);
    while (last.use_count() == 1) last = std::exchange(last->later, nullptr);
  }
};

Upstream::Upstream(std::string name, const PickerSpec& method)
    : name_(std::move(name)),
      board_(Board::take()),
      rules_{.method = method},
      leavers_(std::make_shared<Leavers>()),
      current_(std::make_shared<const Snapshot>(0, board_, Backends(), Backends(), rules_, leavers_)) {}

Upstream::~Upstream() {
  for (const auto& [address, backend] : by_address_) backend->retire(backend);
  leavers_->others = std::move(by_address_);
}

void Upstream::update(std::span<const Members> parts, Newcomers newcomers) {
  const std::lock_guard lock(change_mutex_);
  std::erase_if(departed_, [](const auto& entry) { return entry.second.expired(); });
  ++updates_;
  const bool is_only_one = name_one_address(parts);
  // If memory ran out in the update before, some backends were told of members that are in no snapshot.
  const bool is_whole = std::exchange(is_settled_, false);
  const bool was_only_one = std::exchange(is_only_one_, is_only_one);
  const bool is_same_for_same = is_whole && is_only_one == was_only_one;

  FormerSeats former(seats_);
  const std::size_t known_before = by_address_.size();
  std::size_t count = 0;
  for (const Members& members : parts) count += members.size();
  std::vector<Seat> seats;
  seats.reserve(count);
  std::vector<Backend*> changed;
  const auto seat = [&](const Members::Pointer& member) {
    if (is_same_for_same) {
      if (const Seat* same = former.take_next(member.get())) return seats.push_back(*same);
    }
    Backend* const backend = backend_for(member, newcomers, former);
    if (backend == nullptr) return;
    if (!is_whole || !backend->is_applied(member, is_only_one)) {
      backend->apply(member, is_only_one);
      changed.push_back(backend);
    }
    seats.push_back({member.get(), Backends::Entry(*backend)});
  };
  for (const Members& members : parts)
    for (auto member = members.begin(); member != members.end(); ++member) seat(member.shared());
  const List gone = say_farewell(former);
  publish(std::move(seats), gone);
  is_settled_ = true;
  // Newcomers asked to be looked at when they were made. A thread that looked since then did not see them.
  if (by_address_.size() != known_before) board_->note_check(TimePoint());

  for (Backend* const backend : changed) backend->shut_if_told();
  for (const std::shared_ptr<Backend>& backend : gone) {
    by_address_.erase(backend->address());
    backend->retire(backend);
  }
  // Weights changed beside a thread that may have been weighing: once more, by the next pick.
  for (Backend* const backend : changed) backend->note_check(TimePoint());
  // There may be room where there was none.
  board_->queue().call_all();
}

bool Upstream::veto(std::string_view address, bool vetoed) {
  const std::lock_guard lock(change_mutex_);
  const auto known = by_address_.find(address);
  if (known == by_address_.end()) return false;
  known->second->set_vetoed(vetoed);
  return true;
}

void Upstream::set_method(const PickerSpec& method) {
  const std::lock_guard lock(change_mutex_);
  rules_.method = method;
  publish(seats_);
}

template <class Value>
void Upstream::set_rule(Value Snapshot::Rules::*rule, Value value) {
  const std::lock_guard lock(change_mutex_);
  if (rules_.*rule == value) return;
  rules_.*rule = std::move(value);
  publish(seats_);
}
void Upstream::set_zone(std::string zone) {
  set_rule(&Snapshot::Rules::zone, std::move(zone));
}
void Upstream::keep_timings(bool keep) {
  set_rule(&Snapshot::Rules::keeps_timings, keep);
}
void Upstream::keep_routes(bool keep) {
  set_rule(&Snapshot::Rules::keeps_routes, keep);
}

Queue& Upstream::queue() noexcept {
  return board_->queue();
}

std::shared_ptr<const Snapshot> Upstream::snapshot() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

Backend* Upstream::backend_for(const Members::Pointer& member, Newcomers newcomers, FormerSeats& former) {
  Backend* backend = former.next();
  if (backend == nullptr || backend->address() != member->address) {
    const auto known = by_address_.find(member->address);
    if (known == by_address_.end()) return &make_backend(member, newcomers);
    backend = known->second.get();
  }
  const bool is_first = backend->seated_in_ != updates_ && former.take(*backend);
  backend->seated_in_ = updates_;
  return is_first ? backend : nullptr;
}

Backend& Upstream::make_backend(const Members::Pointer& member, Newcomers newcomers) {
  std::shared_ptr<Backend> backend;
  if (const auto gone = departed_.find(member->address); gone != departed_.end()) {
    backend = gone->second.lock();
    departed_.erase(gone);
    if (backend != nullptr && !backend->return_to_service()) backend = nullptr;
  }
  if (backend == nullptr) backend = std::make_shared<Backend>(board_, member, newcomers == Newcomers::Prove);
  Backend& made = *backend;
  made.seated_in_ = updates_;
  by_address_.emplace(made.address(), std::move(backend));
  return made;
}

Upstream::List Upstream::say_farewell(const FormerSeats& former) {
  List gone;
  former.for_each_left([&](const Backend& backend) {
    gone.push_back(by_address_.at(backend.address()));
    departed_[backend.address()] = gone.back();
  });
  return gone;
}

void Upstream::publish(std::vector<Seat> seats, List gone) {
  std::vector<Backends::Entry> primaries, backups;
  primaries.reserve(seats.size());
  for (const Seat& seat : seats) (seat.entry.is_backup ? backups : primaries).push_back(seat.entry);
  auto leavers = std::make_shared<Leavers>();
  auto next = std::make_shared<const Snapshot>(current_->generation() + 1, board_, Backends(std::move(primaries)),
                                               Backends(std::move(backups)), rules_, leavers);
  previous_.reserve(previous_.size() + 1);

  // Memory that cannot be had has thrown by now, and everything is as it was before.
  seats_ = std::move(seats);
  leavers_->backends = std::move(gone);
  leavers_->later = leavers;
  leavers_ = std::move(leavers);
  const std::uint64_t generation = next->generation();
  {
    const std::lock_guard lock(current_mutex_);
    current_.swap(next);
  }
  generation_.store(generation, std::memory_order_release);

  // The last thread to leave a large snapshot would pay for freeing it, in the middle of a request.
  std::erase_if(previous_, [](const auto& snapshot) { return snapshot.use_count() == 1; });
  previous_.push_back(std::move(next));
}

UpstreamReader::UpstreamReader(std::shared_ptr<Upstream> upstream)
    : upstream_(std::move(upstream)), tally_(upstream_->board_->make_tally()), snapshot_(upstream_->snapshot()) {}

std::optional<Lease> UpstreamReader::acquire(const PickRequest& request) {
  refresh();
  if (is_check_due(request.now)) attend(request.now);
  for (;;) {
    std::optional<Lease> lease = snapshot_->acquire(request);
    // Every backend of this snapshot may have been closed because a newer one replaced them.
    if (lease) tally_->add_one();
    if (lease || !refresh()) return lease;
  }
}

bool UpstreamReader::is_check_due(TimePoint now) const noexcept {
  return snapshot_->board_->check_is_due(now);
}

bool UpstreamReader::is_draining(std::string_view route) {
  if (route.empty()) return false;
  refresh();
  return snapshot_->is_draining(route);
}

void UpstreamReader::attend(TimePoint now) {
  if (!snapshot_->board_->begin_checks(now)) return;
  refresh();  // those who asked for it may be in none but the latest
  snapshot_->attend(now);
}

std::uint64_t UpstreamReader::active() const noexcept {
  std::uint64_t sum = 0;
  for (const Backends* backends : {&snapshot_->primaries(), &snapshot_->backups()})
    for (std::size_t i = 0; i < backends->size(); ++i) sum += (*backends)[i].active();
  return sum;
}

// Called for a last resort in quiet times, and for any other lease in a panic.
PanicChange UpstreamReader::find_panic_change(const Lease& lease) noexcept {
  constexpr std::chrono::seconds kLeast{1};
  const bool begins = lease.is_last_resort();
  const Clock::rep now = lease.started().time_since_epoch().count();
  Clock::rep since = upstream_->panic_since_.load(std::memory_order_relaxed);
  if (!begins && since != Upstream::kNoPanic && now - since < Clock::duration(kLeast).count()) return PanicChange::None;
  // A retry gets a last resort when the others were tried; a check gets one that is marked.
  if (begins != (since == Upstream::kNoPanic) || snapshot_->is_in_panic() != begins) return PanicChange::None;
  if (!upstream_->panic_since_.compare_exchange_strong(since, begins ? now : Upstream::kNoPanic)) return PanicChange::None;
  return begins ? PanicChange::Begins : PanicChange::Ends;
}

bool UpstreamReader::refresh() {
  if (upstream_->generation_.load(std::memory_order_acquire) == snapshot_->generation()) return false;
  snapshot_ = upstream_->snapshot();
  return true;
}

}  // namespace weir::balancer
