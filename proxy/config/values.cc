#include "config/values.h"

#include <fmt/format.h>

#include <limits>

namespace weir::config {
namespace {

constexpr std::uint64_t kMax63 = std::numeric_limits<std::int64_t>::max();

/// One unit of time. `rank` grows as units get smaller: each may follow only larger ones.
struct Unit {
  std::string_view name;
  int rank;
  std::int64_t milliseconds;
};

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
// `ms` before `m`: the longer name must be tried first.
constexpr Unit kUnits[] = {{"y", 1, 365 * kDay}, {"M", 2, 30 * kDay}, {"w", 3, 7 * kDay}, {"d", 4, kDay},
                           {"h", 5, kHour},      {"ms", 8, 1},        {"m", 6, kMinute},  {"s", 7, kSecond}};
constexpr Unit kBareSeconds{"", 9, kSecond};

constexpr std::int64_t kLongestMs = std::chrono::milliseconds(kLongestTime).count();

const Unit* take_unit(std::string_view& text, int first_rank, int last_rank) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.rank >= first_rank && unit.rank <= last_rank ? &unit : nullptr;
  }
  return nullptr;
}

/// Reads a time whose units have ranks from `first_rank` to `last_rank`; milliseconds, at most kLongestMs.
std::optional<std::int64_t> parse_time(std::string_view text, int first_rank, int last_rank) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_number(text.substr(0, digits), kMax63);
    if (!count) return std::nullopt;
    text.remove_prefix(digits);
    const Unit* unit = &kBareSeconds;
    if (!text.empty() && text.front() != ' ') {
      unit = take_unit(text, first_rank, last_rank);
      if (!unit) return std::nullopt;
    } else if (first_rank > 7) {
      return std::nullopt;  // seconds were given already
    }
    first_rank = unit->rank + 1;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (*count > static_cast<std::uint64_t>(kLongestMs / unit->milliseconds))
      total = kLongestMs;
    else
      total = std::min(kLongestMs, total + static_cast<std::int64_t>(*count) * unit->milliseconds);
  }
  return total;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (digit > max || value > (max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<ByteCount> parse_size(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    switch (text.back() | 0x20) {
      case 'k':
        shift = 10;
        break;
      case 'm':
        shift = 20;
        break;
      case 'g':
        shift = 30;
        break;
      default:
        break;
    }
  }
  if (shift != 0) text.remove_suffix(1);
  const auto count = parse_number(text, kMax63 >> shift);
  if (!count) return std::nullopt;
  return ByteCount{*count << shift};
}

std::optional<std::chrono::milliseconds> parse_time_ms(std::string_view text) {
  const auto time = parse_time(text, 3, 8);
  if (!time) return std::nullopt;
  return std::chrono::milliseconds(*time);
}

std::optional<std::chrono::seconds> parse_time_s(std::string_view text) {
  const auto time = parse_time(text, 1, 7);
  if (!time) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::milliseconds(*time));
}

bool on_off(const Call& call) {
  static constexpr EnumName<bool> kNames[] = {{"on", true}, {"off", false}};
  return enum_value(call, call.args[0], kNames);
}

std::chrono::milliseconds time_ms(const Call& call) {
  if (const auto time = parse_time_ms(call.args[0])) return *time;
  call.fail_value(call.args[0], "a time such as \"30s\" or \"500ms\"");
}

std::chrono::seconds time_s(const Call& call) {
  if (const auto time = parse_time_s(call.args[0])) return *time;
  call.fail_value(call.args[0], "a time such as \"30s\" or \"1d\"");
}

ByteCount size(const Call& call) {
  if (const auto bytes = parse_size(call.args[0])) return *bytes;
  call.fail_value(call.args[0], "a size such as \"8k\" or \"1m\"");
}

std::string text(const Call& call) {
  return call.args[0];
}

std::vector<std::string> words(const Call& call) {
  return {call.args.begin(), call.args.end()};
}

std::uint32_t number(const Call& call) {
  if (const auto value = parse_number(call.args[0])) return static_cast<std::uint32_t>(*value);
  call.fail_value(call.args[0], "a number");
}

std::uint32_t number_between(const Call& call, std::uint32_t min, std::uint32_t max) {
  const auto value = parse_number(call.args[0], UINT32_MAX);
  if (!value) call.fail_value(call.args[0], "a number");
  if (*value < min || *value > max)
    call.fail(fmt::format("value must be between {} and {} in \"{}\" directive", min, max, call.name()));
  return static_cast<std::uint32_t>(*value);
}

BufferSizes buffers(const Call& call) {
  const auto count = parse_number(call.args[0]);
  if (!count || *count == 0) call.fail_value(call.args[0], "a number of buffers");
  const auto bytes = parse_size(call.args[1]);
  if (!bytes || bytes->value == 0) call.fail_value(call.args[1], "a size such as \"8k\"");
  return {static_cast<std::uint32_t>(*count), *bytes};
}

std::string one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " or " : ", ";
    text += fmt::format("\"{}\"", names[i]);
  }
  return text;
}

}  // namespace weir::config
