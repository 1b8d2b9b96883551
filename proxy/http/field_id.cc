#include "http/field_id.h"

#include <array>
#include <cstring>

namespace weir::http {
namespace {

constexpr std::string_view kNames[kFieldIds] = {"",
#define WEIR_FIELD_NAME(id, name) name,
                                                WEIR_HTTP_FIELDS(WEIR_FIELD_NAME)
#undef WEIR_FIELD_NAME
};

constexpr bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr std::size_t kShortest = 2;  // "TE"
constexpr std::size_t kLongest = 32;
constexpr unsigned kSlotBits = 9;
constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;

/// By length and the first and last two octets. Perfect over the table: no two names share a slot (checked below). The
/// multipliers were found by trying random ones; after adding a name that collides, try again. Setting bit 5 folds case
/// and does no harm to other octets here, because the name found is compared exactly afterwards.
constexpr std::size_t slot_of(std::string_view name) {
  const auto at = [name](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(name[i])}; };
  const std::size_t n = name.size();
  const std::uint32_t ends = (at(0) | at(1) << 8 | at(n - 2) << 16 | at(n - 1) << 24) | 0x20202020;
  return (ends * 0x3002dd37u + static_cast<std::uint32_t>(n) * 0x56172433u) >> (32 - kSlotBits);
}

constexpr auto kSlotTable = [] {
  std::array<FieldId, kSlots> slots{};
  for (std::size_t i = 1; i < kFieldIds; ++i) slots[slot_of(kNames[i])] = static_cast<FieldId>(i);
  return slots;
}();

constexpr bool is_perfect() {
  for (std::size_t i = 1; i < kFieldIds; ++i) {
    if (kNames[i].size() < kShortest || kNames[i].size() > kLongest) return false;
    if (kSlotTable[slot_of(kNames[i])] != static_cast<FieldId>(i)) return false;
  }
  return true;
}
static_assert(is_perfect(), "two field names share a slot: choose other multipliers in slot_of");

/// A name in lower case, and which of its octets are letters: `(octet | letters) == lower` holds for both cases of a
/// letter and for nothing else.
struct alignas(64) Pattern {
  char lower[kLongest] = {};
  char letters[kLongest] = {};
};

constexpr auto kPatterns = [] {
  std::array<Pattern, kFieldIds> patterns{};
  for (std::size_t i = 1; i < kFieldIds; ++i)
    for (std::size_t k = 0; k < kNames[i].size(); ++k) {
      patterns[i].lower[k] = lower(kNames[i][k]);
      patterns[i].letters[k] = is_letter(kNames[i][k]) ? 0x20 : 0;
    }
  return patterns;
}();

template <class Word>
bool same(const char* text, const Pattern& pattern, std::size_t at) {
  Word octets, letters, expected;
  std::memcpy(&octets, text + at, sizeof octets);
  std::memcpy(&letters, pattern.letters + at, sizeof letters);
  std::memcpy(&expected, pattern.lower + at, sizeof expected);
  return (octets | letters) == expected;
}

/// `name` has the pattern's length. Whole words, the last one overlapping the one before.
bool matches(std::string_view name, const Pattern& pattern) {
  const std::size_t n = name.size();
  const char* text = name.data();
  if (n >= 8) {
    for (std::size_t at = 0; at + 8 < n; at += 8)
      if (!same<std::uint64_t>(text, pattern, at)) return false;
    return same<std::uint64_t>(text, pattern, n - 8);
  }
  if (n >= 4) return same<std::uint32_t>(text, pattern, 0) && same<std::uint32_t>(text, pattern, n - 4);
  return same<std::uint16_t>(text, pattern, 0) && same<std::uint16_t>(text, pattern, n - 2);
}

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  if (name.size() < kShortest || name.size() > kLongest) return FieldId::Other;
  const FieldId id = kSlotTable[slot_of(name)];
  const auto index = static_cast<std::size_t>(id);
  if (kNames[index].size() != name.size() || !matches(name, kPatterns[index])) return FieldId::Other;
  return id;
}

std::string_view field_name(FieldId id) noexcept {
  return kNames[static_cast<std::size_t>(id)];
}

bool equal_caseless(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

}  // namespace weir::http
