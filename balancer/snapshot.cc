#include <weir/balancer/snapshot.h>

#include "board.h"

namespace weir::balancer {
namespace {

// A claim fails only if another thread closed the backend after the pick. That many times in a row is no accident but
// a picker that does not look.
constexpr int kMostAttempts = 64;

// Of those that should not be picked: one that a health check found dead comes last.
bool comes_before(const Backend& one, const Backend& other) noexcept {
  if (one.is_vetoed() != other.is_vetoed()) return other.is_vetoed();
  return one.health().last_checked() < other.health().last_checked();
}

}  // namespace

Snapshot::Snapshot(std::uint64_t generation, std::shared_ptr<Board> board, Backends primaries, Backends backups,
                   const PickerSpec& method)
    : generation_(generation),
      board_(std::move(board)),
      primaries_(make_tier(std::move(primaries), method)),
      backups_(make_tier(std::move(backups), method)) {}

Snapshot::Tier Snapshot::make_tier(Backends backends, const PickerSpec& method) {
  Tier tier{.backends = std::move(backends), .picker = nullptr};
  if (!tier.backends.empty()) tier.picker = method.make(tier.backends);
  return tier;
}

std::optional<Lease> Snapshot::acquire(const PickRequest& request) const {
  if (board_->check_is_due(request.now)) end_rests(request.now);
  Claim claim = claim_from(primaries_, request);
  if (claim.backend == nullptr) claim = claim_from(backups_, request);
  if (claim.backend == nullptr && !request.only_available) claim = claim_failed(request);
  if (claim.backend == nullptr) return std::nullopt;
  return Lease(*claim.backend, claim.is_check);
}

Snapshot::Claim Snapshot::claim_from(const Tier& tier, const PickRequest& request) {
  if (tier.picker == nullptr) return {};
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::optional<std::size_t> index = tier.picker->pick(tier.backends, request);
    if (!index) break;
    Backend& backend = *tier.backends.list_[*index];
    const Health::Admission admission = backend.claim(request.now);
    if (admission != Health::Admission::Refused) return {&backend, admission == Health::Admission::Check};
  }
  return {};
}

Snapshot::Claim Snapshot::claim_failed(const PickRequest& request) const {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Backend* best = nullptr;
    for (const Tier* tier : {&primaries_, &backups_}) {
      for (const std::shared_ptr<Backend>& backend : tier->backends.list_) {
        if (backend->is_shut() || backend->is_full() || request.was_tried(*backend)) continue;
        if (best == nullptr || comes_before(*backend, *best)) best = backend.get();
      }
    }
    if (best == nullptr) break;
    if (best->claim_failed(request.now) != Health::Admission::Refused) return {best, true};
  }
  return {};
}

void Snapshot::end_rests(TimePoint now) const noexcept {
  if (!board_->begin_checks(now)) return;
  for (const Tier* tier : {&primaries_, &backups_}) {
    for (const std::shared_ptr<Backend>& backend : tier->backends.list_) backend->end_rest(now);
  }
}

}  // namespace weir::balancer
