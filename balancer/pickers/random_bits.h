// More random numbers from the one that a request brings: SplitMix64 by Sebastiano Vigna (public domain).
#pragma once

#include <cstdint>

namespace weir::balancer {

class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15ULL;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBULL;
    return mixed ^ mixed >> 31;
  }
  /// Less than `bound`; each as likely as any other, but for one part in 2^32.
  std::uint64_t below(std::uint64_t bound) noexcept {
    const std::uint64_t high = next() >> 32;
    return high * (bound >> 32) + (high * (bound & 0xFFFFFFFFU) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace weir::balancer
