#include "pickers/random.h"

#include <algorithm>

#include "pickers/random_bits.h"

namespace weir::balancer {
namespace {

constexpr int kMostDraws = 20;  // as nginx; then it takes turns

}  // namespace

Random::Random(const Backends& backends, Better better) : better_(better), turns_(backends) {
  std::uint64_t end = 0;
  for (const Backends::Entry& entry : backends.entries()) ends_.push_back(end += entry.weight);
}

std::optional<std::size_t> Random::pick(const Backends& backends, const PickRequest& request) const {
  RandomBits random(request.random);
  std::optional<std::size_t> first;
  for (int draw = 0; draw < kMostDraws; ++draw) {
    const std::uint64_t at = random.below(ends_.back());
    const auto drawn =
        static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin());
    if (drawn == first || !backends[drawn].is_available() || request.was_tried(backends[drawn])) continue;
    if (better_ == Better::Only) return drawn;
    if (first) return cost_of(backends[drawn]) < cost_of(backends[*first]) ? drawn : *first;
    first = drawn;
  }
  return first ? first : turns_.pick(backends, request);
}

float Random::cost_of(const Backend& backend) const noexcept {
  const auto after = static_cast<float>(backend.active() + 1);
  switch (better_) {
    case Better::SoonerFirstByte: return after * backend.timings().first_byte().count() / backend.weight_now();
    case Better::SoonerLastByte: return after * backend.timings().last_byte().count() / backend.weight_now();
    default: return backend.load();
  }
}

}  // namespace weir::balancer
