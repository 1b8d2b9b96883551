#include <weir/balancer/snapshot.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "board.h"

namespace weir::balancer {
namespace {

using Entry = Backends::Entry;

// A claim fails only if another thread closed the backend after the pick. That many times in a row is no accident but
// a picker that does not look.
constexpr int kMostAttempts = 64;

// How many backends that get less than their share a pick passes over before it takes what it finds.
constexpr int kMostPassedOver = 4;

// A request stays in its zone until that is loaded half as much again as the others are.
constexpr float kMostNearLoad = 1.5F;

// Of those that should not be picked: one that a health check found dead comes last.
bool comes_before(const Backend& one, const Backend& other) noexcept {
  if (one.is_vetoed() != other.is_vetoed()) return other.is_vetoed();
  return one.health().last_checked() < other.health().last_checked();
}

std::size_t hash_of(std::string_view route) noexcept {
  return std::hash<std::string_view>()(route);
}

float load_with_one_more(const Backend& backend) noexcept {
  return static_cast<float>(backend.active() + 1) / backend.weight_now();
}

}  // namespace

Snapshot::Snapshot(std::uint64_t generation, std::shared_ptr<Board> board, Backends primaries, Backends backups,
                   const Rules& rules, std::shared_ptr<const void> keeper)
    : generation_(generation),
      board_(std::move(board)),
      keeper_(std::move(keeper)),
      traits_(rules.method.traits),
      is_timed_(rules.keeps_timings || rules.method.traits.by_time),
      primaries_(make_tier(std::move(primaries), rules)),
      backups_(make_tier(std::move(backups), rules)) {}

Snapshot::Part Snapshot::make_part(Backends backends, const PickerSpec& method) {
  Part part{.backends = std::move(backends), .picker = nullptr};
  if (!part.backends.empty()) part.picker = method.make(part.backends);
  return part;
}

Snapshot::Tier Snapshot::make_tier(Backends backends, const Rules& rules) {
  Tier tier;
  if (rules.keeps_routes) {
    tier.by_route.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
      tier.by_route.emplace_back(hash_of(backends[i].route()), static_cast<std::uint32_t>(i));
    }
    std::sort(tier.by_route.begin(), tier.by_route.end());
  }
  if (!rules.zone.empty()) {
    std::vector<Entry> near, far;
    for (const Entry& entry : backends.list_) {
      (entry.backend->announced_->zone == rules.zone ? near : far).push_back(entry);
    }
    if (!near.empty() && !far.empty()) {
      tier.near = std::make_unique<Part>(make_part(Backends(std::move(near), true), rules.method));
      tier.far = std::make_unique<Part>(make_part(Backends(std::move(far), true), rules.method));
      tier.all.backends = std::move(backends);
      return tier;
    }
  }
  tier.all = make_part(std::move(backends), rules.method);
  return tier;
}

std::optional<Lease> Snapshot::acquire(const PickRequest& request) const {
  Claim claim = claim_from(primaries_, request);
  if (claim.backend == nullptr) claim = claim_from(backups_, request);
  if (claim.backend == nullptr && !request.only_available) claim = claim_failed(request);
  if (claim.backend == nullptr) return std::nullopt;
  std::optional<Lease> lease(Lease(*claim.backend, request.now, claim.is_check, claim.is_last_resort));
  if (is_timed_) lease->begin_timing(traits_.running);
  return lease;
}

Snapshot::Claim Snapshot::claim_from(const Tier& tier, const PickRequest& request) const {
  if (!request.route.empty()) {
    if (const Claim asked_for = claim_route(tier, request); asked_for.backend != nullptr) return asked_for;
  }
  return tier.near == nullptr ? claim_from(tier.all, request) : claim_near(tier, request);
}

Snapshot::Claim Snapshot::claim_from(const Part& part, const PickRequest& request) const {
  if (part.picker == nullptr) return {};
  std::optional<Tried> passed_over;  // and what was tried
  PickRequest narrowed = request;
  for (int attempt = 0, passed = 0; attempt < kMostAttempts; ++attempt) {
    std::optional<std::size_t> index = part.picker->pick(part.backends, narrowed);
    if (!index && passed != 0) {  // nobody else is there
      narrowed.tried = request.tried;
      passed = kMostPassedOver;
      index = part.picker->pick(part.backends, narrowed);
    }
    if (!index) break;
    Backend& backend = *part.backends.list_[*index].backend;
    if (passed < kMostPassedOver && !traits_.by_key && backend.is_spared() && !backend.take_share(traits_.by_load)) {
      if (!passed_over) passed_over = request.tried == nullptr ? Tried() : *request.tried;
      passed_over->add(backend);
      narrowed.tried = &*passed_over;
      ++passed;
      continue;
    }
    const Health::Admission admission = backend.claim(request.now);
    if (admission != Health::Admission::Refused) return {&backend, admission == Health::Admission::Check};
  }
  return {};
}

Snapshot::Claim Snapshot::claim_near(const Tier& tier, const PickRequest& request) const {
  const std::optional<std::size_t> near = tier.near->picker->pick(tier.near->backends, request);
  if (!near) return claim_from(*tier.far, request);
  const std::optional<std::size_t> far = tier.far->picker->pick(tier.far->backends, request);
  const Part* first = tier.near.get();
  const Part* second = tier.far.get();
  if (far && load_with_one_more(tier.near->backends[*near]) >
                 kMostNearLoad * load_with_one_more(tier.far->backends[*far])) {
    std::swap(first, second);
  }
  const Claim claim = claim_from(*first, request);
  return claim.backend != nullptr ? claim : claim_from(*second, request);
}

template <class Visit>
bool Snapshot::any_with_route(const Tier& tier, std::string_view route, Visit visit) {
  const auto& list = tier.all.backends.list_;
  const auto is_it = [&](const Entry& entry) { return entry.backend->route() == route && visit(*entry.backend); };
  if (tier.by_route.empty()) return std::any_of(list.begin(), list.end(), is_it);
  const std::size_t hash = hash_of(route);
  auto found = std::lower_bound(tier.by_route.begin(), tier.by_route.end(), std::pair(hash, std::uint32_t{0}));
  for (; found != tier.by_route.end() && found->first == hash; ++found)
    if (is_it(list[found->second])) return true;
  return false;
}

Snapshot::Claim Snapshot::claim_route(const Tier& tier, const PickRequest& request) {
  Claim claim;
  any_with_route(tier, request.route, [&](Backend& backend) {
    if (request.was_tried(backend)) return false;
    const Health::Admission admission = backend.claim(request.now, kDraining);
    if (admission == Health::Admission::Refused) return false;
    claim = {&backend, admission == Health::Admission::Check};
    return true;
  });
  return claim;
}

bool Snapshot::is_draining(std::string_view route) const {
  const auto drains = [](const Backend& backend) { return backend.is_draining() && !backend.is_down(); };
  return any_with_route(primaries_, route, drains) || any_with_route(backups_, route, drains);
}

Snapshot::Claim Snapshot::claim_failed(const PickRequest& request) const {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Backend* best = nullptr;
    for (const Tier* tier : {&primaries_, &backups_}) {
      for (const Entry& entry : tier->all.backends.list_) {
        Backend& backend = *entry.backend;
        if (backend.is_shut() || request.was_tried(backend)) continue;
        if (backend.is_full()) {
          if (request.can_wait && !backend.is_failed() && !backend.is_vetoed()) return {};
          continue;
        }
        if (best == nullptr || comes_before(backend, *best)) best = &backend;
      }
    }
    if (best == nullptr) break;
    const bool was_failed = best->is_failed();
    if (best->claim_failed(request.now) != Health::Admission::Refused) return {best, true, was_failed};
  }
  return {};
}

bool Snapshot::is_in_panic() const noexcept {
  bool any = false;
  for (const Tier* tier : {&primaries_, &backups_}) {
    for (const Entry& each : tier->all.backends.entries()) {
      if (each.backend->is_shut()) continue;
      if (!each.backend->is_failed()) return false;
      any = true;
    }
  }
  return any;
}

void Snapshot::attend(TimePoint now) const noexcept {
  for (const Tier* tier : {&primaries_, &backups_}) {
    const std::span<const Entry> list = tier->all.backends.entries();
    // Of thousands a few are watched, and the others' memory is left alone.
    const auto is_watched = [](const Entry& each) { return each.slot.block->is_watched(each.slot.lane); };
    const auto is_in_service = [](const Entry& each) { return !each.slot.block->is_closed(each.slot.lane, kOutOfService); };
    const auto is_warming = [&](const Entry& each) {
      return is_watched(each) && is_in_service(each) && each.backend->share().is_warming();
    };
    const auto warming = std::count_if(list.begin(), list.end(), is_warming);
    const auto in_service = warming == 0 ? 0 : std::count_if(list.begin(), list.end(), is_in_service);
    for (const Entry& each : list) {
      if (!is_watched(each)) continue;
      // First: who asks meanwhile asks for the next check.
      each.slot.block->unwatch(each.slot.lane);
      each.backend->end_rest(now);
      each.backend->weigh(now, 2 * warming > in_service);
    }
  }
}

}  // namespace weir::balancer
