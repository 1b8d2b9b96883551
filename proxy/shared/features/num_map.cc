// num_map: variables whose values depend on a number, or on the range that it is in.
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>

#include "config/parser.h"
#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/map_block.h"
#include "shared/features/scopes.h"

namespace weir::shared {

namespace {

using config::Call;
using Number = std::int64_t;

struct Range {
  Number first = std::numeric_limits<Number>::min(), last = std::numeric_limits<Number>::max();
};

struct NumMap {
  Template source;
  std::unordered_map<Number, Template> exact;
  std::vector<std::pair<Range, Template>> ranges;  // as they were given: the first that fits counts
  std::optional<Template> otherwise;
};

std::optional<Number> read_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// Reads `a-b`, `<n`, `<=n`, `>n` or `>=n`.
std::optional<Range> read_range(std::string_view text) {
  Range range;
  if (text.starts_with('<') || text.starts_with('>')) {
    const bool is_less = text.front() == '<', with_end = text.substr(1).starts_with('=');
    const auto number = read_number(text.substr(with_end ? 2 : 1));
    if (!number || (!with_end && *number == (is_less ? range.first : range.last))) return std::nullopt;
    (is_less ? range.last : range.first) = with_end ? *number : *number + (is_less ? -1 : 1);
    return range;
  }
  const std::size_t dash = text.find('-', 1);  // the first octet may be a sign
  if (dash == text.npos) return std::nullopt;
  const auto first = read_number(text.substr(0, dash)), last = read_number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{*first, *last};
}

/// The value for `source`; null: there is none.
const Template* choose(const NumMap& map, std::string_view source) {
  if (const auto number = read_number(source)) {
    if (const auto found = map.exact.find(*number); found != map.exact.end()) return &found->second;
    for (const auto& [range, value] : map.ranges)
      if (*number >= range.first && *number <= range.last) return &value;
  }
  return map.otherwise ? &*map.otherwise : nullptr;
}

VariableValue get_mapped(Context& context, const VariableArg& arg) {
  const NumMap& map = *static_cast<const NumMap*>(arg.data);
  return mapped(context, choose(map, map.source.evaluate(context)));
}

void add_entry(const Call& call, NumMap& map, const std::string& key, const std::string& value) {
  Template result = Template::compile(value, Loader::of(call).protocol.variables);
  if (const auto number = read_number(key)) {
    if (!map.exact.emplace(*number, std::move(result)).second) call.fail(fmt::format("conflicting parameter \"{}\"", key));
  } else if (const auto range = read_range(key)) {
    map.ranges.emplace_back(*range, std::move(result));
  } else {
    call.fail(fmt::format("invalid number or range \"{}\"", key));
  }
}

void add_map(const Call& call) {
  const auto is_word = [](const config::Statement& entry) { return entry.args.empty() && entry.name == "volatile"; };
  define_map(call, std::make_shared<NumMap>(), get_mapped, is_word, add_entry);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("num_map", scopes::kProtocols, {2, 2}, "$number $variable { … }",
                  "A variable whose value depends on a number: equal to one (`80`), or else in the first range that it is in "
                  "(`8080-8090`, `<=1023`, `>1023`).", &add_map),
};

}  // namespace

extern const Directives num_map_directives;
const Directives num_map_directives = kDirectives;

}  // namespace weir::shared
