#include "http/byte_ranges.h"

#include <limits>
#include <optional>

#include "http/field_id.h"

namespace weir::http {

namespace {

constexpr std::string_view kUnit = "bytes=";

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

/// Takes a number from the beginning of `text`. Too large ones become the largest.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t value = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
    text.remove_prefix(1);
  }
  return value;
}

}  // namespace

bool names_byte_ranges(std::string_view field) {
  return field.size() > kUnit.size() && equal_caseless(field.substr(0, kUnit.size()), kUnit);
}

RangeReading read_byte_ranges(std::string_view field, std::uint64_t size, std::uint32_t most, ByteRanges& ranges) {
  std::string_view text = field.substr(kUnit.size());
  for (std::uint32_t count = 1;; ++count) {
    skip_blanks(text);
    ByteRange range{0, size};
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      const auto suffix = take_number(text);
      if (!suffix) return RangeReading::Malformed;
      range.from = *suffix >= size ? 0 : size - *suffix;
    } else {
      const auto from = take_number(text);
      if (!from) return RangeReading::Malformed;
      range.from = *from;
      skip_blanks(text);
      if (!text.starts_with('-')) return RangeReading::Malformed;
      text.remove_prefix(1);
      skip_blanks(text);
      if (const auto last = take_number(text)) {
        if (*last < *from) return RangeReading::Malformed;
        if (*last < size) range.end = *last + 1;
      }
    }
    skip_blanks(text);
    if (!text.empty() && text.front() != ',') return RangeReading::Malformed;
    if (range.from < range.end) {
      if (count > most) return RangeReading::Whole;
      ranges.push_back(range);
    } else if (range.from == 0) {
      return RangeReading::Whole;
    }
    if (text.empty()) return RangeReading::Good;
    text.remove_prefix(1);
  }
}

}  // namespace weir::http
