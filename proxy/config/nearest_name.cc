#include "config/nearest_name.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace weir::config {
namespace {

constexpr std::size_t kLongest = 64;  // the longest documented name has 45 letters
constexpr std::size_t kMostChanges = 3;

/// Which characters occur in `text`, roughly: one bit for all that are alike modulo 64.
std::uint64_t characters(std::string_view text) {
  std::uint64_t set = 0;
  for (const char c : text) set |= std::uint64_t{1} << (static_cast<unsigned char>(c) % 64);
  return set;
}

/// How many changes make `a` (at most kLongest) into `b`, whose length differs by kMostChanges at most.
/// Source: the "optimal string alignment" distance, by the usual table of which three rows are kept.
std::size_t changes(std::string_view a, std::string_view b) {
  using Row = std::array<std::uint8_t, kLongest + kMostChanges + 1>;
  Row rows[3];
  Row *before_last = &rows[0], *last = &rows[1], *row = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*row)[j] = static_cast<std::uint8_t>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    Row* const reused = before_last;
    before_last = last;
    last = row;
    row = reused;
    (*row)[0] = static_cast<std::uint8_t>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      int least = std::min((*last)[j], (*row)[j - 1]) + 1;
      least = std::min(least, (*last)[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        least = std::min(least, (*before_last)[j - 2] + 1);
      (*row)[j] = static_cast<std::uint8_t>(least);
    }
  }
  return (*row)[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view mistyped, std::span<const std::string_view> known) {
  if (mistyped.size() > kLongest) return {};
  // Three letters of ten may be wrong; beyond that a suggestion misleads.
  std::size_t best = std::clamp<std::size_t>(mistyped.size() * 3 / 10, 1, kMostChanges) + 1;
  const std::uint64_t letters = characters(mistyped);
  std::string_view nearest;
  for (const std::string_view name : known) {
    // Most names are told apart by their lengths, or by their letters: a change makes one come and one go at most.
    const std::size_t longer = std::max(name.size(), mistyped.size()),
                      shorter = std::min(name.size(), mistyped.size());
    if (longer - shorter >= best) continue;
    if (static_cast<std::size_t>(std::popcount(letters ^ characters(name))) > 2 * (best - 1)) continue;
    const std::size_t distance = changes(mistyped, name);
    if (distance >= best) continue;
    best = distance;
    nearest = name;
  }
  return nearest;
}

}  // namespace weir::config
