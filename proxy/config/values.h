// Values as nginx writes them, and the parse functions that directives are declared with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/byte_count.h"
#include "config/directive.h"

namespace weir::config {

/// Reads an nginx size, such as `512`, `8k` or `1m`.
///
/// `text`: decimal digits and an optional `k`, `m` or `g` in either case; no sign, no spaces.
/// Returns the size in bytes, or nothing if `text` is not a size or needs more than 63 bits.
/// Source: nginx's syntax for sizes ("Configuration file measurement units").
std::optional<ByteCount> parse_size(std::string_view text);

/// Times longer than this are taken as this: it never ends in practice, and deadlines cannot overflow.
constexpr std::chrono::hours kLongestTime{24 * 365 * 100};

/// Reads an nginx time with milliseconds, such as `60`, `500ms`, `1h30m` or `1d 12h`.
///
/// `text`: numbers with the units w, d, h, m, s, ms, from the largest to the smallest, each at most once; spaces may
/// stand after a unit; a number without a unit, which must be the last, means seconds. No `y` and no `M` here.
/// Source: nginx's syntax for times ("Configuration file measurement units").
std::optional<std::chrono::milliseconds> parse_time_ms(std::string_view text);

/// As `parse_time_ms`, for directives that count in seconds (`expires`, `valid=` …): also `y` (365 days) and `M` (30
/// days), but no `ms`.
std::optional<std::chrono::seconds> parse_time_s(std::string_view text);

/// Reads decimal digits, all of `text`. Returns nothing for anything else, or above `max`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max = INT32_MAX);

// Parse functions. Each reads the first argument, unless it says otherwise, and throws ValueError in nginx's wording.

bool on_off(const Call& call);
std::chrono::milliseconds time_ms(const Call& call);
std::chrono::seconds time_s(const Call& call);
ByteCount size(const Call& call);
std::string text(const Call& call);
/// All arguments.
std::vector<std::string> words(const Call& call);
/// A number from 0 to 2^31-1.
std::uint32_t number(const Call& call);
/// Throws `value must be between MIN and MAX` outside of the bounds.
std::uint32_t number_between(const Call& call, std::uint32_t min, std::uint32_t max);

template <std::uint32_t Min, std::uint32_t Max>
std::uint32_t number_in(const Call& call) {
  return number_between(call, Min, Max);
}

/// `8 4k`: two arguments.
struct BufferSizes {
  std::uint32_t count = 0;
  ByteCount size;
  bool operator==(const BufferSizes&) const = default;
};
BufferSizes buffers(const Call& call);

/// One word of an enumeration.
template <class T>
struct EnumName {
  std::string_view name;
  T value;
};

/// `"a", "b" or "c"`, for messages.
std::string one_of(std::span<const std::string_view> names);

/// The value that `word` (in either case) names in `names`; throws `invalid value …` if none.
template <class T, std::size_t N>
T enum_value(const Call& call, std::string_view word, const EnumName<T> (&names)[N]) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  std::string_view known[N];
  for (std::size_t i = 0; i < N; ++i) {
    known[i] = names[i].name;
    if (std::equal(word.begin(), word.end(), known[i].begin(), known[i].end(), same)) return names[i].value;
  }
  call.fail_value(word, one_of(known));
}

/// Parse function for one word of a table: `directive<&Conf::mode, &an_enum<kModes>>(…)`.
template <const auto& Names>
auto an_enum(const Call& call) {
  return enum_value(call, call.args[0], Names);
}

/// Parse function for any number of words of a table whose values are flags; returns them combined with `|`.
template <const auto& Names>
auto flags(const Call& call) {
  auto combined = enum_value(call, call.args[0], Names);
  for (const std::string& word : call.args.subspan(1))
    combined = static_cast<decltype(combined)>(combined | enum_value(call, word, Names));
  return combined;
}

}  // namespace weir::config
