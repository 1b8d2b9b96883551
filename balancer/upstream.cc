#include <weir/balancer/upstream.h>

#include <algorithm>
#include <utility>

#include "board.h"

namespace weir::balancer {

Upstream::Upstream(std::string name, const PickerSpec& method)
    : name_(std::move(name)),
      board_(Board::take()),
      rules_{.method = method},
      current_(std::make_shared<const Snapshot>(0, board_, Backends(), Backends(), rules_)) {}

Upstream::~Upstream() {
  for (const std::shared_ptr<Backend>& backend : backends_) backend->retire(backend);
}

void Upstream::update(const Members& members, Newcomers newcomers) {
  const std::lock_guard lock(change_mutex_);
  std::erase_if(departed_, [](const auto& entry) { return entry.second.expired(); });
  ++updates_;
  const bool is_only_one = std::all_of(members.begin(), members.end(), [&](const Member& member) {
    return member.address == members.front().address;
  });

  List present;
  std::vector<Backend*> changed;
  present.reserve(members.size());
  std::size_t expected = 0;  // where the next member was before: most stay in their order
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Members::Pointer& member = members.shared(i);
    std::shared_ptr<Backend> backend = backend_for(member, newcomers, expected);
    if (backend->announced_in_ == updates_) continue;  // said twice
    if (backend->announced_in_ != 0) expected = backend->place_ + 1;
    backend->announced_in_ = updates_;
    backend->place_ = present.size();
    if (!backend->is_applied(member, is_only_one)) {
      backend->apply(member, is_only_one);
      changed.push_back(backend.get());
    }
    present.push_back(std::move(backend));
  }
  List gone = std::exchange(backends_, std::move(present));
  std::erase_if(gone, [this](const auto& backend) { return backend->announced_in_ == updates_; });
  for (const std::shared_ptr<Backend>& backend : gone) board_->add_turns_taken(backend->requests());
  publish();

  for (Backend* const backend : changed) backend->shut_if_told();
  for (const std::shared_ptr<Backend>& backend : gone) {
    by_address_.erase(backend->address());
    departed_[backend->address()] = backend;
    backend->retire(backend);
  }
  // Weights changed beside a thread that may have been weighing: once more, by the next pick.
  if (!changed.empty()) board_->note_check(TimePoint());
  // There may be room where there was none.
  board_->queue().call(board_->queue().size());
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
  publish();
}

template <class Value>
void Upstream::set_rule(Value Snapshot::Rules::*rule, Value value) {
  const std::lock_guard lock(change_mutex_);
  if (rules_.*rule == value) return;
  rules_.*rule = std::move(value);
  publish();
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

std::shared_ptr<Backend> Upstream::backend_for(const Members::Pointer& member, Newcomers newcomers, std::size_t expected) {
  if (expected < backends_.size()) {
    const std::shared_ptr<Backend>& backend = backends_[expected];
    if (backend->announced_ == member || backend->address() == member->address) return backend;
  }
  if (const auto known = by_address_.find(member->address); known != by_address_.end()) return known->second;
  std::shared_ptr<Backend> backend;
  if (const auto gone = departed_.find(member->address); gone != departed_.end()) {
    backend = gone->second.lock();
    departed_.erase(gone);
    if (backend != nullptr && !backend->return_to_service()) backend = nullptr;
  }
  if (backend == nullptr) backend = std::make_shared<Backend>(board_, member, newcomers == Newcomers::Prove);
  by_address_.emplace(backend->address(), backend);
  return backend;
}

void Upstream::publish() {
  List primaries, backups;
  primaries.reserve(backends_.size());
  for (const std::shared_ptr<Backend>& backend : backends_) (backend->is_backup() ? backups : primaries).push_back(backend);
  auto next = std::make_shared<const Snapshot>(current_->generation() + 1, board_, Backends(std::move(primaries)),
                                               Backends(std::move(backups)), rules_);
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
    : upstream_(std::move(upstream)), snapshot_(upstream_->snapshot()) {}

std::optional<Lease> UpstreamReader::acquire(const PickRequest& request) {
  refresh();
  for (;;) {
    std::optional<Lease> lease = snapshot_->acquire(request);
    // Every backend of this snapshot may have been closed because a newer one replaced them.
    if (lease || !refresh()) return lease;
  }
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
