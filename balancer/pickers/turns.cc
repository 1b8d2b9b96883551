#include "pickers/turns.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "pickers/avx2.h"

namespace weir::balancer {
namespace {

// Laying out nginx's cycle takes (items × total weight) steps. Beyond some ten milliseconds' worth, turns are spaced evenly
// instead: as exact in proportion and as smooth, but not nginx's very sequence.
constexpr std::uint64_t kMostSteps = 1U << 22;

// A longer one would take too much memory: there are turns, but no list of whose they are.
constexpr std::uint64_t kLongestCycle = 1U << 16;

// The track of turns without a list. A turn is rounded down to a whole step, an error of 1 in 4,000 at kMaxWeight.
constexpr std::uint64_t kEvenTrack = 1ULL << 32;

constexpr std::uint64_t kNever = ~0ULL;

constexpr std::size_t whole_parts(std::size_t numbers) noexcept {
  return (numbers + 63) / 64 * 64;
}

using Turn = Turns::Turn;
using Track = std::atomic<std::uint64_t>;

Turn first_plain(const Track* next, std::size_t base, std::uint64_t candidates) noexcept {
  Turn best{0, kNever};
  for (; candidates != 0; candidates &= candidates - 1) {
    const std::size_t item = base + static_cast<std::size_t>(std::countr_zero(candidates));
    const std::uint64_t at = next[item].load(std::memory_order_relaxed);
    if (at < best.at) best = {item, at};
  }
  return best;
}

#ifdef WEIR_HAS_VECTORS
/// The same, of all 64 at once. Turns are far below 2^63, so that signed numbers compare them.
WEIR_AVX2 Turn first_avx2(const Track* next, std::size_t base, std::uint64_t candidates) noexcept {
  constexpr int kChains = 4;  // that do not wait for each other
  const auto* all = reinterpret_cast<const __m256i*>(next + base);
  const __m256i bits = _mm256_setr_epi64x(1, 2, 4, 8);
  __m256i least[kChains], where[kChains];  // `where`: the number of the four items that it is in
  WEIR_UNROLL for (int chain = 0; chain < kChains; ++chain) {
    least[chain] = _mm256_set1_epi64x(std::numeric_limits<std::int64_t>::max());
    where[chain] = _mm256_setzero_si256();
  }
  for (int i = 0; i < 16; i += kChains) {
    WEIR_UNROLL for (int chain = 0; chain < kChains; ++chain) {
      const __m256i four = _mm256_loadu_si256(all + i + chain);
      const __m256i asked_for = _mm256_set1_epi64x(static_cast<std::int64_t>(candidates >> (4 * (i + chain))));
      const __m256i is_asked_for = _mm256_cmpeq_epi64(_mm256_and_si256(asked_for, bits), bits);
      const __m256i is_sooner = _mm256_and_si256(is_asked_for, _mm256_cmpgt_epi64(least[chain], four));
      least[chain] = _mm256_blendv_epi8(least[chain], four, is_sooner);
      where[chain] = _mm256_blendv_epi8(where[chain], _mm256_set1_epi64x(i + chain), is_sooner);
    }
  }
  alignas(32) std::uint64_t ats[4 * kChains], fours[4 * kChains];
  WEIR_UNROLL for (int chain = 0; chain < kChains; ++chain) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(ats) + chain, least[chain]);
    _mm256_store_si256(reinterpret_cast<__m256i*>(fours) + chain, where[chain]);
  }
  Turn best{0, kNever};
  for (std::size_t i = 0; i < 4 * kChains; ++i) {
    const Turn turn{base + 4 * fours[i] + i % 4, ats[i]};
    if (turn.at < best.at || (turn.at == best.at && turn.item < best.item)) best = turn;
  }
  return best;
}
#endif

}  // namespace

Turns::Turns(std::span<const Item> items, std::size_t numbers, std::uint64_t taken, Order order)
    : next_(new std::atomic<std::uint64_t>[whole_parts(numbers)]) {
  for (std::size_t i = 0; i < whole_parts(numbers); ++i) next_[i].store(kNever, std::memory_order_relaxed);
  if (items.empty()) return;
  std::uint64_t divisor = 0;
  std::uint64_t total = 0;
  for (const Item& item : items) {
    divisor = std::gcd(divisor, std::uint64_t{item.weight});
    total += item.weight;
  }
  total /= divisor;

  if (total == items.size()) {  // all weigh the same: one place each, in order
    length_ = total;
    strides_.assign(numbers, static_cast<std::uint32_t>(total));
    for (const Item& item : items) {
      next_[item.number].store(owners_.size(), std::memory_order_relaxed);
      owners_.push_back(static_cast<std::uint32_t>(item.number));
    }
  } else if (total <= kLongestCycle) {
    length_ = total;
    if (order == Order::AsNginx && total <= kMostSteps / items.size()) {
      lay_out_as_nginx(items, divisor);
    } else {
      lay_out_evenly(items, divisor);
    }
    link();
  } else {
    length_ = kEvenTrack;
    strides_.resize(numbers);
    for (const Item& item : items) {
      const auto stride = static_cast<std::uint32_t>(std::min(kEvenTrack / item.weight, kEvenTrack - 1));
      strides_[item.number] = stride;
      next_[item.number].store(stride / 2, std::memory_order_relaxed);
    }
  }
  if (const std::uint64_t part = taken % total; part != 0) {
    skip_to(items, part * (length_ / total));
  }
}

void Turns::lay_out_as_nginx(std::span<const Item> items, std::uint64_t divisor) {
  std::vector<std::int64_t> current(items.size(), 0);
  for (std::uint64_t place = 0; place < length_; ++place) {
    // Everyone gains its weight, the greatest goes, the first of equals, and pays what all gained.
    std::size_t best = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      current[i] += static_cast<std::int64_t>(items[i].weight / divisor);
      if (current[i] > current[best]) best = i;
    }
    current[best] -= static_cast<std::int64_t>(length_);
    owners_.push_back(static_cast<std::uint32_t>(items[best].number));
  }
}

void Turns::lay_out_evenly(std::span<const Item> items, std::uint64_t divisor) {
  // Each turn has a place that it would like best: the middle of its part of the track. Those who like the same one
  // follow each other, in order.
  const auto each_wish = [&](auto visit) {
    for (const Item& item : items) {
      const std::uint64_t step = (length_ << 32) / (item.weight / divisor);
      std::uint64_t at = step / 2;
      for (std::uint64_t left = item.weight / divisor; left != 0; --left, at += step) visit(at >> 32, item.number);
    }
  };
  std::vector<std::uint32_t> begins(length_ + 1, 0);
  each_wish([&](std::uint64_t place, std::size_t) { ++begins[place + 1]; });
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  owners_.resize(length_);
  each_wish([&](std::uint64_t place, std::size_t number) { owners_[begins[place]++] = static_cast<std::uint32_t>(number); });
}

/// Tells each place of the cycle where its owner's next one is, and each item its first.
void Turns::link() {
  gaps_.resize(length_);
  const auto next_of = [this](std::uint64_t place) -> std::atomic<std::uint64_t>& { return next_[owners_[place]]; };
  for (std::uint64_t place = length_; place-- != 0;) next_of(place).store(place + length_, std::memory_order_relaxed);
  for (std::uint64_t place = length_; place-- != 0;) {
    const std::uint64_t next = next_of(place).load(std::memory_order_relaxed);
    gaps_[place] = static_cast<std::uint32_t>(next - place);
    next_of(place).store(place, std::memory_order_relaxed);
  }
}

void Turns::skip_to(std::span<const Item> items, std::uint64_t place) {
  upcoming_.store(place, std::memory_order_relaxed);
  for (const Item& item : items) {
    const std::uint64_t at = next_[item.number].load(std::memory_order_relaxed);
    if (at < place) next_[item.number].store(after({item.number, at}, place - 1), std::memory_order_relaxed);
  }
}

std::optional<Turns::Turn> Turns::due() const noexcept {
  if (owners_.empty()) return std::nullopt;
  const std::uint64_t place = upcoming_.load(std::memory_order_relaxed);
  const std::uint32_t owner = owners_[place % length_];
  const std::uint64_t at = next_[owner].load(std::memory_order_relaxed);
  if (at > place) return std::nullopt;  // taken, out of order
  return Turn{owner, at};
}

bool Turns::take(Turn turn) noexcept {
  const std::uint64_t upcoming = upcoming_.load(std::memory_order_relaxed);
  std::uint64_t seen = turn.at;
  if (!next_[turn.item].compare_exchange_strong(seen, after(turn, upcoming), std::memory_order_relaxed)) return false;
  if (turn.at >= upcoming) upcoming_.store(turn.at + 1, std::memory_order_relaxed);
  return true;
}

std::uint64_t Turns::after(Turn turn, std::uint64_t place) const noexcept {
  if (gaps_.empty()) {
    const std::uint64_t stride = strides_[turn.item];
    return turn.at >= place ? turn.at + stride : turn.at + ((place - turn.at) / stride + 1) * stride;
  }
  std::uint64_t at = turn.at;
  if (at < place) at += (place - at) / length_ * length_;  // whole rounds first; what is left is at most one
  do {
    at += gaps_[at % length_];
  } while (at <= place);
  return at;
}

Turns::Turn Turns::first_of_many(std::size_t base, std::uint64_t candidates) const noexcept {
#ifdef WEIR_HAS_VECTORS
  constexpr int kFew = 16;  // whom to ask one by one is sooner
  if (candidates >> kFew != 0 && kHasAvx2 && std::popcount(candidates) > kFew) return first_avx2(next_.get(), base, candidates);
#endif
  return first_plain(next_.get(), base, candidates);
}

}  // namespace weir::balancer
