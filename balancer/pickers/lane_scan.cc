#include "pickers/lane_scan.h"

// ThreadSanitizer cannot know that a vector load of atomics is a load of each of them.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_THREAD__)
#define WEIR_HAS_VECTORS 1
#include <immintrin.h>
#endif

namespace weir::balancer {
namespace {

constexpr std::uint32_t kNothing = ~0U;
constexpr Least kNobody{kNoLoad, 0};

// Sequentially consistent loads, here and below: see Block::lower_floor. On x86 they are plain loads.
std::uint32_t at(const Row& row, std::uint32_t cell) noexcept {
  return row.cells[cell].load();
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

Least least_cell_plain(const Row& row, std::uint64_t among) noexcept {
  return least_of(among, [&row](std::uint32_t i) { return at(row, i); });
}

Least least_load_plain(const Block& block, std::uint64_t among) noexcept {
  return least_of(among, [&block](std::uint32_t i) {
    const std::uint32_t word = at(block.words, i);
    return word <= kMaxCount ? load_of(word, block.weight(i)) : kNoLoad;
  });
}

#ifdef WEIR_HAS_VECTORS

#define WEIR_AVX2 [[gnu::target("avx2")]]
#define WEIR_UNROLL _Pragma("GCC unroll 8")  // so that all eight vectors stay in registers

const bool kHasAvx2 = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}();

constexpr int kVectors = kLanes / 8;

WEIR_AVX2 inline __m256i eight(const Row& row, int i) noexcept {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(row.cells.data()) + i);
}

/// Makes those that are not `among` the candidates larger than anything found.
WEIR_AVX2 inline void leave_out(__m256i (&values)[kVectors], std::uint64_t among) noexcept {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) {
    const __m256i byte = _mm256_set1_epi32(static_cast<int>((among >> (8 * i)) & 0xFF));
    const __m256i left_out = _mm256_cmpeq_epi32(_mm256_and_si256(byte, bits), _mm256_setzero_si256());
    values[i] = _mm256_or_si256(values[i], left_out);
  }
}

WEIR_AVX2 inline Least least_of(__m256i (&values)[kVectors], std::uint64_t among) noexcept {
  if (among != ~0ULL) leave_out(values, among);
  __m256i least = values[0];
  WEIR_UNROLL for (int i = 1; i < kVectors; ++i) least = _mm256_min_epu32(least, values[i]);
  least = _mm256_min_epu32(least, _mm256_permute2x128_si256(least, least, 1));
  least = _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0x4E));
  least = _mm256_min_epu32(least, _mm256_shuffle_epi32(least, 0xB1));
  std::uint64_t where = 0;
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) {
    const __m256 same = _mm256_castsi256_ps(_mm256_cmpeq_epi32(values[i], least));
    where |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(same))) << (8 * i);
  }
  return {static_cast<std::uint32_t>(_mm256_cvtsi256_si32(least)), where};
}

WEIR_AVX2 Least least_cell_avx2(const Row& row, std::uint64_t among) noexcept {
  __m256i values[kVectors];
  WEIR_UNROLL for (int i = 0; i < kVectors; ++i) values[i] = eight(row, i);
  return least_of(values, among);
}

WEIR_AVX2 Least least_load_avx2(const Block& block, std::uint64_t among) noexcept {
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
  return least_of(values, among);
}

#endif

}  // namespace

Least least_cell(const Row& row, std::uint64_t among) noexcept {
  if (among == 0) return {kNothing, 0};
#ifdef WEIR_HAS_VECTORS
  if (kHasAvx2) return least_cell_avx2(row, among);
#endif
  return least_cell_plain(row, among);
}

Least least_load(const Block& block, std::uint64_t among) noexcept {
  if (among == 0) return kNobody;
#ifdef WEIR_HAS_VECTORS
  const Least least = kHasAvx2 ? least_load_avx2(block, among) : least_load_plain(block, among);
#else
  const Least least = least_load_plain(block, among);
#endif
  return least.value < kNoLoad ? least : kNobody;
}

Least least_load(const Block& block, std::uint64_t among, float weight) noexcept {
  const Least least = least_cell(block.words, among);
  return least.value <= kMaxCount ? Least{load_of(least.value, weight), least.where} : kNobody;
}

std::uint64_t open_lanes(const Block& block, std::uint64_t among) noexcept {
  std::uint64_t open = 0;
  for (std::uint64_t left = among; left != 0; left &= left - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(left));
    if (at(block.words, i) <= kMaxCount) open |= 1ULL << i;
  }
  return open;
}

}  // namespace weir::balancer
