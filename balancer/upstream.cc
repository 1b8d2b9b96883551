#include <weir/balancer/upstream.h>

#include <utility>

#include "board.h"

namespace weir::balancer {

Upstream::Upstream(std::string name, const PickerSpec& method)
    : name_(std::move(name)),
      board_(Board::take()),
      rules_{.method = method},
      current_(std::make_shared<const Snapshot>(0, board_, Backends(), Backends(), rules_)) {}

Upstream::~Upstream() {
  for (const auto& [address, backend] : by_address_) backend->retire(backend);
}

void Upstream::update(std::vector<Member> members, Newcomers newcomers) {
  const std::lock_guard lock(change_mutex_);
  std::erase_if(departed_, [](const auto& entry) { return entry.second.expired(); });

  std::unordered_map<std::string_view, const Member*> announced;
  for (Member& member : members) {
    if (member.name.empty()) member.name = member.address;
    announced.try_emplace(member.address, &member);
  }

  ByAddress stayed_or_new;
  std::vector<std::shared_ptr<Backend>> primaries;
  std::vector<std::shared_ptr<Backend>> backups;
  for (const Member& member : members) {
    if (announced.at(member.address) != &member) continue;  // said twice
    std::shared_ptr<Backend> backend = backend_for(member, newcomers);
    backend->apply(member, announced.size() == 1);
    stayed_or_new.emplace(backend->address(), backend);
    (member.backup ? backups : primaries).push_back(std::move(backend));
  }
  by_address_.swap(stayed_or_new);
  const ByAddress& before = stayed_or_new;
  for (const auto& [address, backend] : before) {
    if (!by_address_.contains(address)) board_->add_turns_taken(backend->requests());
  }
  primaries_ = std::move(primaries);
  backups_ = std::move(backups);
  publish();

  for (const auto& [address, backend] : by_address_) backend->shut_if_told();
  for (const auto& [address, backend] : before) {
    if (by_address_.contains(address)) continue;
    departed_[std::string(address)] = backend;
    backend->retire(backend);
  }
  // Weights changed beside a thread that may have been weighing: once more, by the next pick.
  board_->note_check(TimePoint());
  // There may be room where there was none.
  board_->queue().call(board_->queue().size());
}

template <class Change>
void Upstream::change_rules(Change change) {
  const std::lock_guard lock(change_mutex_);
  change(rules_);
  publish();
}

bool Upstream::veto(std::string_view address, bool vetoed) {
  const std::lock_guard lock(change_mutex_);
  const auto known = by_address_.find(address);
  if (known == by_address_.end()) return false;
  known->second->set_vetoed(vetoed);
  return true;
}

void Upstream::set_method(const PickerSpec& method) {
  change_rules([&](Snapshot::Rules& rules) { rules.method = method; });
}
void Upstream::set_zone(std::string zone) {
  {
    const std::lock_guard lock(change_mutex_);
    if (rules_.zone == zone) return;
  }
  change_rules([&](Snapshot::Rules& rules) { rules.zone = std::move(zone); });
}
void Upstream::keep_timings(bool keep) {
  change_rules([&](Snapshot::Rules& rules) { rules.keeps_timings = keep; });
}

Queue& Upstream::queue() noexcept {
  return board_->queue();
}

std::shared_ptr<const Snapshot> Upstream::snapshot() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

std::shared_ptr<Backend> Upstream::backend_for(const Member& member, Newcomers newcomers) {
  if (const auto known = by_address_.find(member.address); known != by_address_.end()) return known->second;
  if (const auto gone = departed_.find(member.address); gone != departed_.end()) {
    std::shared_ptr<Backend> backend = gone->second.lock();
    departed_.erase(gone);
    if (backend != nullptr && backend->return_to_service()) return backend;
  }
  return std::make_shared<Backend>(board_, member, newcomers == Newcomers::Prove);
}

void Upstream::publish() {
  auto next = std::make_shared<const Snapshot>(current_->generation() + 1, board_, Backends(primaries_),
                                               Backends(backups_), rules_);
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
