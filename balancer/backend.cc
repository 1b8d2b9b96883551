#include <weir/balancer/backend.h>
#include <weir/balancer/lease.h>

#include <algorithm>

#include "board.h"

namespace weir::balancer {
namespace {

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint32_t limit_of(const Member& member) noexcept {
  return member.max_conns == 0 ? kMaxCount : std::min(member.max_conns, kMaxCount);
}

/// Why the member is not to get requests, as bits of its word.
std::uint32_t told_to_shut(const Member& member) noexcept {
  const bool drains = member.draining || member.weight == 0;
  return (member.down ? kShut : 0) | (drains ? kDraining : 0);
}

// How often the weight of a backend that warms up, or had errors, is computed anew.
constexpr std::chrono::milliseconds kWeighing{50};

}  // namespace

Backend::Backend(std::shared_ptr<Board> board, Members::Pointer member, bool is_vetoed)
    : slot_(board->allocate(member->backup)),
      is_backup_(member->backup),
      board_(std::move(board)),
      id_(next_id()),
      address_(member->address) {
  apply(member, false);
  begin_warming();
  shut_if_told();
  if (is_vetoed) slot_.block->close(slot_.lane, kVetoed);
  slot_.block->open(slot_.lane, kRetired);  // so far the lane was in nobody's use
}

Backend::~Backend() {
  Board::free(slot_);
}

Member Backend::member() const {
  const std::lock_guard lock(announced_mutex_);
  Member member = *announced_;
  if (member.name.empty()) member.name = member.address;
  return member;
}

float Backend::weight_now() const noexcept {
  return slot_.block->weight(slot_.lane);
}

std::uint32_t Backend::active() const noexcept {
  return slot_.block->words.cells[slot_.lane].load(std::memory_order_relaxed) & kMaxCount;
}

bool Backend::is_available() const noexcept {
  return !is_closed_for(kClosed);
}
bool Backend::is_failed() const noexcept {
  return is_closed_for(kResting);
}
bool Backend::is_vetoed() const noexcept {
  return is_closed_for(kVetoed);
}
bool Backend::is_full() const noexcept {
  return is_closed_for(kFull);
}
bool Backend::is_shut() const noexcept {
  return is_closed_for(kOutOfService);
}
bool Backend::is_down() const noexcept {
  return is_closed_for(kShut | kRetired);
}
bool Backend::is_draining() const noexcept {
  return is_closed_for(kDraining);
}
bool Backend::is_spared() const noexcept {
  return (slot_.block->spared.load(std::memory_order_relaxed) >> slot_.lane & 1) != 0;
}

bool Backend::is_closed_for(std::uint32_t reasons) const noexcept {
  return slot_.block->is_closed(slot_.lane, reasons);
}

Health::Admission Backend::claim(TimePoint now, std::uint32_t despite) noexcept {
  if (!slot_.block->claim(slot_.lane, despite)) return Health::Admission::Refused;
  const Health::Admission admission = health_.admit(now);
  if (admission != Health::Admission::Ordinary) {
    // One check at a time: a marked backend is closed again until this one has succeeded, or another is due.
    if (health_.is_marked()) rest(now);
    if (admission == Health::Admission::Refused) {
      give_back(*this, *slot_.block, slot_.lane);
      return admission;
    }
  }
  requests_.fetch_add(1, std::memory_order_relaxed);
  return admission;
}

Health::Admission Backend::claim_failed(TimePoint now) noexcept {
  if (!slot_.block->claim(slot_.lane, kResting | kVetoed)) return Health::Admission::Refused;
  health_.begin_check(now);
  if (health_.is_marked()) rest(now);
  requests_.fetch_add(1, std::memory_order_relaxed);
  return Health::Admission::Check;
}

void Backend::give_back(Backend& backend, Block& block, std::uint32_t lane) noexcept {
  // A backend that left the membership keeps itself until its last lease ends.
  if (block.give_back(lane)) const std::shared_ptr<Backend> last = std::move(backend.kept_by_leases_);
}

void Lease::give_back() noexcept {
  if (running_) end_running();
  Backend::give_back(*backend_, *block_, lane_);
}

void Lease::begin_timing(Running running) noexcept {
  is_timed_ = true;
  if (running == Running::Untimed) return;
  running_ = true;
  ends_at_first_byte_ = running == Running::UntilFirstByte;
  backend_->timings_.begin(started_);
}

void Lease::end_running() noexcept {
  running_ = false;
  backend_->timings_.end(started_);
}

void Lease::first_byte(TimePoint now) noexcept {
  backend_->report_success(now, is_check_);
  first_byte_ = now;
  if (running_ && ends_at_first_byte_) end_running();
}

void Lease::succeeded(TimePoint now) noexcept {
  if (first_byte_ == TimePoint::min()) backend_->report_success(now, is_check_);
  if (is_timed_) backend_->timings_.record(started_, first_byte_, now);
}

void Lease::erred(TimePoint now) noexcept {
  backend_->report_error(now, is_check_);
}

void Lease::failed(TimePoint now) noexcept {
  backend_->report_failure(now);
  // Waiting for nothing took time, too.
  if (is_timed_ && now - started_ > backend_->timings_.peak(now)) backend_->timings_.record_peak(now - started_, now);
}

bool Backend::take_share(bool by_load) noexcept {
  // Who is marked is here for a check, which is as rare as it should be.
  return health_.is_marked() || share_.take(by_load ? share_.all() : share_.warmth());
}

void Backend::report_success(TimePoint now, bool was_check) noexcept {
  if (was_check) {
    recover(now);
  } else if (share_.note_success(now)) {
    note_check(now + kWeighing);
  }
}

void Backend::report_error(TimePoint now, bool was_check) noexcept {
  if (was_check) recover(now);
  share_.note_error(now);
  note_check(now + kWeighing);
}

void Backend::report_failure(TimePoint now) noexcept {
  failures_.fetch_add(1, std::memory_order_relaxed);
  share_.note_error(now);
  note_check(now + kWeighing);
  if (health_.failed(now)) rest(now);
}

void Backend::report_answer(TimePoint sent, TimePoint now) noexcept {
  pulse_.beat(sent, now);
  if (!hangs_.load(std::memory_order_relaxed) || !hangs_.exchange(false)) return;
  health_.recovered();
  slot_.block->open(slot_.lane, kResting);
}

bool Backend::report_hang(TimePoint now) noexcept {
  if (!health_.mark(now)) return false;
  if (!hangs_.exchange(true)) failures_.fetch_add(1, std::memory_order_relaxed);
  rest(now);
  return true;
}

void Backend::set_vetoed(bool vetoed) noexcept {
  if (vetoed) return slot_.block->close(slot_.lane, kVetoed);
  if (!is_vetoed()) return;
  // It was seen to come back, which tells more than how often it failed before.
  health_.recovered();
  share_.forget_errors();
  begin_warming();
  slot_.block->open(slot_.lane, kVetoed | kResting);
}

void Backend::recover(TimePoint now) noexcept {
  const bool was_marked = health_.is_marked();
  health_.recovered();
  if (was_marked) {
    share_.forget_errors();
    share_.begin_warming();
    note_check(now);
  }
  slot_.block->open(slot_.lane, kResting);
}

void Backend::weigh(TimePoint now, bool all_warm) noexcept {
  share_.compute(now, all_warm);
  const float part = share_.all();
  slot_.block->set_weight(slot_.lane, static_cast<float>(weight()) * part, part >= 1);
  if (part < 1 || share_.is_warming()) note_check(now + kWeighing);
}

void Backend::begin_warming() noexcept {
  share_.begin_warming();
  if (share_.is_warming()) note_check(TimePoint());
}

void Backend::note_check(TimePoint due) noexcept {
  // First: whoever begins the check that this asks for sees whom to look at.
  slot_.block->watch(slot_.lane);
  board_->note_check(due);
}

void Backend::rest(TimePoint now) noexcept {
  slot_.block->close(slot_.lane, kResting);
  note_check(health_.check_due());
  // A check may have succeeded, on another thread, between the failure and the closing.
  if (!health_.is_marked()) end_rest(now);
}

void Backend::end_rest(TimePoint now) noexcept {
  if (!is_failed()) return;
  if (!health_.is_marked() || health_.check_due() <= now) {
    slot_.block->open(slot_.lane, kResting);
  } else {
    note_check(health_.check_due());
  }
}

bool Backend::is_applied(const Members::Pointer& member, bool is_only_one) {
  if (is_only_one_ != is_only_one) return false;
  if (announced_ == member) return true;
  if (*announced_ != *member) return false;
  const std::lock_guard lock(announced_mutex_);
  announced_ = member;
  return true;
}

void Backend::apply(const Members::Pointer& announced, bool is_only_one) {
  const Member& member = *announced;
  Block& block = *slot_.block;
  const bool keeps_route = announced_ != nullptr && announced_->route == member.route;
  {
    const std::lock_guard lock(announced_mutex_);
    announced_ = announced;
  }
  is_only_one_ = is_only_one;
  is_backup_.store(member.backup, std::memory_order_relaxed);

  weight_.store(std::clamp(member.weight, 1U, kMaxWeight), std::memory_order_relaxed);
  share_.configure(member.slow_start);
  const float part = share_.all();
  block.set_weight(slot_.lane, static_cast<float>(weight()) * part, part >= 1);
  block.set_limit(slot_.lane, limit_of(member));

  // Without an alternative there is nothing to gain from resting: as nginx, never mark the only one.
  health_.configure(is_only_one ? 0 : member.max_fails, member.fail_timeout);
  if (!health_.is_marked()) block.open(slot_.lane, kResting);
  if (const std::uint32_t reasons = told_to_shut(member); reasons != (kShut | kDraining)) {
    const bool was_shut = is_closed_for(kShut | kDraining);
    block.open(slot_.lane, (kShut | kDraining) & ~reasons);
    if (was_shut && reasons == 0) begin_warming();
  }
  if (!keeps_route) set_route(member.route.empty() ? default_route(address_) : member.route);
}

void Backend::set_route(std::string route) {
  const auto known = std::find_if(routes_.begin(), routes_.end(), [&](const auto& had) { return *had == route; });
  if (known != routes_.end()) return route_.store(known->get(), std::memory_order_release);
  routes_.push_back(std::make_unique<const std::string>(std::move(route)));
  route_.store(routes_.back().get(), std::memory_order_release);
}

void Backend::shut_if_told() noexcept {
  if (const std::uint32_t reasons = told_to_shut(*announced_); reasons != 0) slot_.block->close(slot_.lane, reasons);
}

void Backend::retire(std::shared_ptr<Backend> self) noexcept {
  kept_by_leases_ = std::move(self);  // before the flag: whoever ends the last lease sees both
  const std::uint32_t before = slot_.block->words.cells[slot_.lane].fetch_or(kRetired, std::memory_order_acq_rel);
  if ((before & kMaxCount) == 0) kept_by_leases_.reset();
}

bool Backend::return_to_service() noexcept {
  std::atomic<std::uint32_t>& word = slot_.block->words.cells[slot_.lane];
  std::uint32_t seen = word.load(std::memory_order_acquire);
  do {
    if ((seen & kMaxCount) == 0) return false;
  } while (!word.compare_exchange_weak(seen, seen & ~kRetired, std::memory_order_acq_rel, std::memory_order_acquire));
  kept_by_leases_.reset();  // the upstream keeps it again
  note_check(TimePoint());  // whoever looked at the others did not look at this one meanwhile
  slot_.block->lower_floor(load_of(active(), slot_.block->weight(slot_.lane)));
  return true;
}

}  // namespace weir::balancer
