#include "pickers/lane_scan.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "pickers/avx2.h"

namespace weir::balancer {
namespace {

constexpr std::uint32_t kNothing = ~0U;
constexpr Least kNobody{kNoLoad, 0};
constexpr LeastTwo kNoTwo{kNoLoad, kNoLoad, 0};

// Sequentially consistent loads, here and below: see Block::lower_floor. On x86 they are plain loads.
std::uint32_t at(const Row& row, std::uint32_t cell) noexcept {
  return row.cells[cell].load();
}

Load load_if_open(std::uint32_t word, float weight) noexcept {
  return word <= kMaxCount ? load_of(word, weight) : kNoLoad;
}

template <class ValueOf>
Least least_of(std::uint64_t among, ValueOf value_of) noexcept {
  Least least{kNothing, 0};
  for (; among != 0; among &= among - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(among));
    const std::uint32_t value = value_of(i);
    if (value > least.value) continue;
    const std::uint64_t bit = 1ULL << i;
    least = {value, value == least.value ? least.where | bit : bit};
  }
  return least;
}

template <class ValueOf>
LeastTwo least_two_of(std::uint64_t among, ValueOf value_of) noexcept {
  const Least first = least_of(among, value_of);
  return {first.value, is_alone(first.where) ? least_of(among & ~first.where, value_of).value : first.value, first.where};
}

/// One or two.
template <bool kTwo>
using Found = std::conditional_t<kTwo, LeastTwo, Least>;

template <bool kTwo, class ValueOf>
Found<kTwo> find_least(std::uint64_t among, ValueOf value_of) noexcept {
  if constexpr (kTwo) return least_two_of(among, value_of);
  else return least_of(among, value_of);
}

template <bool kTwo>
Found<kTwo> least_cells_plain(const Row& row, std::uint64_t among) noexcept {
  return find_least<kTwo>(among, [&row](std::uint32_t i) { return at(row, i); });
}

template <bool kTwo>
Found<kTwo> least_loads_plain(const Block& block, std::uint64_t among) noexcept {
  return find_least<kTwo>(among, [&block](std::uint32_t i) { return load_if_open(at(block.words, i), block.weight(i)); });
}

#ifdef WEIR_HAS_VECTORS

WEIR_AVX2 inline __m256i eight(const Row& row, int i) noexcept {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(row.cells.data()) + i);
}

/// Makes those that are not `among` the candidates larger than anything found.
template <int kVectors>
WEIR_AVX2 inline void leave_out(__m256i (&values)[kVectors], std::uint64_t among) noexcept {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) {
    const __m256i byte = _mm256_set1_epi32(static_cast<int>((among >> (8 * i)) & 0xFF));
    const __m256i left_out = _mm256_cmpeq_epi32(_mm256_and_si256(byte, bits), _mm256_setzero_si256());
    values[i] = _mm256_or_si256(values[i], left_out);
  }
}

/// The least of all, in each place of the result.
template <int kVectors>
WEIR_AVX2 inline __m256i least_value(const __m256i (&values)[kVectors]) noexcept {
  __m256i least = values[0];
  WEIR_UNROLL for (int i = 1; i < kVectors; ++i) least = _mm256_min_epu32(least, values[i]);
  least = _mm256_min_epu32(least, _mm256_permute2x128_si256(least, least, 1));
  least = _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0x4E));
  return _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0xB1));
}

template <bool kTwo, int kVectors>
WEIR_AVX2 inline Found<kTwo> least_of(__m256i (&values)[kVectors], std::uint64_t among) noexcept {
  if (kVectors != 8 || among != ~0ULL) leave_out(values, among);
  const __m256i least = least_value(values);
  std::uint64_t where = 0;
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) {
    const __m256i same = _mm256_cmpeq_epi32(values[i], least);
    if (kTwo) values[i] = _mm256_or_si256(values[i], same);
    const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(same));
    where |= static_cast<std::uint64_t>(static_cast<unsigned>(mask)) << (8 * i);
  }
  const auto value = static_cast<std::uint32_t>(_mm256_cvtsi256_si32(least));
  if constexpr (kTwo) {
    const __m256i second = is_alone(where) ? least_value(values) : least;
    return {value, static_cast<std::uint32_t>(_mm256_cvtsi256_si32(second)), where};
  } else {
    return {value, where};
  }
}

template <bool kTwo, int kVectors>
WEIR_AVX2 Found<kTwo> least_cells(const Row& row, std::uint64_t among) noexcept {
  __m256i values[kVectors];
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) values[i] = eight(row, i);
  return least_of<kTwo>(values, among);
}

template <bool kTwo, int kVectors>
WEIR_AVX2 Found<kTwo> least_loads(const Block& block, std::uint64_t among) noexcept {
  const __m256i most = _mm256_set1_epi32(static_cast<int>(kMaxCount));
  const __m256i closed_load = _mm256_set1_epi32(static_cast<int>(kNoLoad));
  __m256i values[kVectors];
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) {
    const __m256i word = eight(block.words, i);
    const __m256 weight = _mm256_castsi256_ps(eight(block.weights, i));
    const __m256i load = _mm256_castps_si256(_mm256_div_ps(_mm256_cvtepi32_ps(word), weight));
    const __m256i is_open = _mm256_cmpeq_epi32(_mm256_min_epu32(word, most), word);
    values[i] = _mm256_blendv_epi8(closed_load, load, is_open);
  }
  return least_of<kTwo>(values, among);
}

/// A product in place of each quotient, which takes a quarter of the time.
WEIR_AVX2 bool any_below_avx2(const Block& block, std::uint64_t among, float load, float weight) noexcept {
  constexpr float kRounding = 1 - 0x1p-22F;  // of quotient and product, twice what it can be
  const __m256i no_count = _mm256_set1_epi32(std::numeric_limits<std::int32_t>::max());  // closed words would be negative
  const __m256 common = _mm256_set1_ps(load * weight - 0.5F);  // counts are whole
  const __m256 bounds = _mm256_set1_ps(load * kRounding);
  std::uint64_t below = 0;
  WEIR_UNROLL for (int i = 0; i < 8; ++i) {
    const __m256 count = _mm256_cvtepi32_ps(_mm256_min_epu32(eight(block.words, i), no_count));
    const __m256 most = weight != 0 ? common : _mm256_mul_ps(_mm256_castsi256_ps(eight(block.weights, i)), bounds);
    const int mask = _mm256_movemask_ps(_mm256_cmp_ps(count, most, _CMP_LT_OQ));
    below |= static_cast<std::uint64_t>(static_cast<unsigned>(mask)) << (8 * i);
  }
  return (below & among) != 0;
}

WEIR_AVX2 OpenClaims open_claims_avx2(const Block& block, std::uint64_t among) noexcept {
  const __m256i most = _mm256_set1_epi32(static_cast<int>(kMaxCount));
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i sum = _mm256_setzero_si256();
  std::uint64_t open = 0;
  WEIR_UNROLL for (int i = 0; i < 8; ++i) {
    const __m256i word = eight(block.words, i);
    const __m256i byte = _mm256_set1_epi32(static_cast<int>((among >> (8 * i)) & 0xFF));
    const __m256i is_asked_for = _mm256_cmpeq_epi32(_mm256_and_si256(byte, bits), bits);
    const __m256i is_open = _mm256_and_si256(is_asked_for, _mm256_cmpeq_epi32(_mm256_min_epu32(word, most), word));
    sum = _mm256_add_epi32(sum, _mm256_and_si256(word, is_open));
    const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(is_open));
    open |= static_cast<std::uint64_t>(static_cast<unsigned>(mask)) << (8 * i);
  }
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
  return {open, static_cast<std::uint32_t>(_mm_cvtsi128_si32(four))};
}

/// How many vectors reach up to the last of them.
#define WEIR_BY_SIZE(call, two, from)                    \
  (among >> 16 == 0   ? call<two, 2>(from, among)        \
   : among >> 32 == 0 ? call<two, 4>(from, among)        \
                      : call<two, 8>(from, among))

template <bool kTwo>
Found<kTwo> cells_of(const Row& row, std::uint64_t among) noexcept {
  return kHasAvx2 ? WEIR_BY_SIZE(least_cells, kTwo, row) : least_cells_plain<kTwo>(row, among);
}
template <bool kTwo>
Found<kTwo> loads_of(const Block& block, std::uint64_t among) noexcept {
  return kHasAvx2 ? WEIR_BY_SIZE(least_loads, kTwo, block) : least_loads_plain<kTwo>(block, among);
}

#else

template <bool kTwo>
Found<kTwo> cells_of(const Row& row, std::uint64_t among) noexcept {
  return least_cells_plain<kTwo>(row, among);
}
template <bool kTwo>
Found<kTwo> loads_of(const Block& block, std::uint64_t among) noexcept {
  return least_loads_plain<kTwo>(block, among);
}

#endif

}  // namespace

Least least_cell(const Row& row, std::uint64_t among) noexcept {
  if (among == 0) return {kNothing, 0};
  return cells_of<false>(row, among);
}

Least least_load(const Block& block, std::uint64_t among) noexcept {
  if (among == 0) return kNobody;
  const Least least = loads_of<false>(block, among);
  return least.value < kNoLoad ? least : kNobody;
}

Least least_load(const Block& block, std::uint64_t among, float weight) noexcept {
  const Least least = least_cell(block.words, among);
  return least.value <= kMaxCount ? Least{load_of(least.value, weight), least.where} : kNobody;
}

LeastTwo least_two_loads(const Block& block, std::uint64_t among) noexcept {
  if (among == 0) return kNoTwo;
  const LeastTwo least = loads_of<true>(block, among);
  if (least.value >= kNoLoad) return kNoTwo;
  return {least.value, std::min(least.second, kNoLoad), least.where};
}

LeastTwo least_two_loads(const Block& block, std::uint64_t among, float weight) noexcept {
  if (among == 0) return kNoTwo;
  const LeastTwo words = cells_of<true>(block.words, among);
  if (words.value > kMaxCount) return kNoTwo;
  return {load_of(words.value, weight), load_if_open(words.second, weight), words.where};
}

bool any_below(const Block& block, std::uint64_t among, Load load, float weight) noexcept {
#ifdef WEIR_HAS_VECTORS
  if (kHasAvx2 && load < kNoLoad) return any_below_avx2(block, among, std::bit_cast<float>(load), weight);
#endif
  return (weight != 0 ? least_load(block, among, weight) : least_load(block, among)).value < load;
}

std::uint64_t open_lanes(const Block& block, std::uint64_t among) noexcept {
  return open_claims(block, among).lanes;
}

OpenClaims open_claims(const Block& block, std::uint64_t among) noexcept {
#ifdef WEIR_HAS_VECTORS
  // For a few lanes there is no use in looking at all.
  if (kHasAvx2 && !is_alone(among)) return open_claims_avx2(block, among);
#endif
  OpenClaims open{0, 0};
  for (std::uint64_t left = among; left != 0; left &= left - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(left));
    const std::uint32_t word = at(block.words, i);
    if (word > kMaxCount) continue;
    open.lanes |= 1ULL << i;
    open.claims += word;
  }
  return open;
}

}  // namespace weir::balancer
