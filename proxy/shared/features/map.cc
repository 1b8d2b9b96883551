// map: variables whose values depend on another's.
#include <fmt/format.h>

#include <map>
#include <optional>

#include "config/parser.h"
#include "shared/features/features.h"
#include "shared/features/map_block.h"
#include "shared/features/scopes.h"
#include "shared/context.h"
#include "shared/lower.h"

namespace weir::shared {

namespace {

using config::Call;

struct Map {
  Template source;
  std::map<std::string, Template, std::less<>> exact;     // lower case: nginx's maps ignore the case
  std::map<std::string, Template, std::less<>> leading;   // `.example.com`
  std::map<std::string, Template, std::less<>> trailing;  // `www.example.`
  std::vector<std::pair<config::Regex, Template>> regexes;
  std::optional<Template> otherwise;
  bool hostnames = false;
};

/// The value for `source`; null: there is none.
const Template* choose(Context& context, const Map& map, std::string_view source) {
  std::string key = lower(source);
  if (map.hostnames && key.ends_with('.')) key.pop_back();
  if (const auto found = map.exact.find(key); found != map.exact.end()) return &found->second;
  if (map.hostnames) {
    const std::string_view host = key;
    for (std::size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1))
      if (const auto found = map.leading.find(host.substr(dot)); found != map.leading.end()) return &found->second;
    for (std::size_t dot = host.rfind('.'); dot != host.npos && dot != 0; dot = host.rfind('.', dot - 1))
      if (const auto found = map.trailing.find(host.substr(0, dot + 1)); found != map.trailing.end())
        return &found->second;
  }
  for (const auto& [regex, value] : map.regexes)
    if (context.match(regex, source)) return &value;
  return map.otherwise ? &*map.otherwise : nullptr;
}

VariableValue get_mapped(Context& context, const VariableArg& arg) {
  const Map& map = *static_cast<const Map*>(arg.data);
  return mapped(context, choose(context, map, map.source.evaluate(context)));
}

void add_entry(const Call& call, Map& map, std::string key, const std::string& value) {
  Loader& loader = Loader::of(call);
  if (key.starts_with('~')) {
    const bool caseless = key.starts_with("~*");
    // First the pattern: its named groups are variables that the value may use.
    config::Regex regex = loader.compile_regex(std::string_view(key).substr(caseless ? 2 : 1),
                                               caseless ? config::Regex::Case::Insensitive
                                                        : config::Regex::Case::Sensitive);
    map.regexes.emplace_back(std::move(regex), Template::compile(value, loader.protocol.variables));
    return;
  }
  Template result = Template::compile(value, loader.protocol.variables);
  if (key.starts_with('\\')) key.erase(0, 1);
  key = lower(key);
  const auto insert = [&](auto& table, std::string name) {
    if (!table.emplace(std::move(name), result).second) call.fail(fmt::format("conflicting parameter \"{}\"", key));
  };
  if (map.hostnames && key.starts_with("*."))
    return insert(map.leading, key.substr(1));
  if (map.hostnames && key.starts_with('.')) {
    insert(map.exact, key.substr(1));
    return insert(map.leading, key);
  }
  if (map.hostnames && key.ends_with(".*")) return insert(map.trailing, key.substr(0, key.size() - 1));
  insert(map.exact, key);
}

void add_map(const Call& call) {
  auto map = std::make_shared<Map>();
  for (const config::Statement& entry : call.statement.children)
    if (entry.args.empty() && entry.name == "hostnames") map->hostnames = true;
  const auto is_word = [](const config::Statement& entry) {
    return entry.args.empty() && (entry.name == "volatile" || entry.name == "hostnames");
  };
  define_map(call, std::move(map), get_mapped, is_word, add_entry);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("map", scopes::kProtocols, {2, 2}, "string $variable { … }",
                  "A variable whose value depends on another's.", &add_map),
};

}  // namespace

extern const Directives map_directives;
const Directives map_directives = kDirectives;

}  // namespace weir::shared
