// What the blocks of map and num_map have in common: a source, the variable, and entries of a key and a value.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "config/parser.h"
#include "shared/context.h"
#include "shared/loader.h"

namespace weir::shared {

/// Defines the variable of a block, with `map` as what `get` is given, and reads its source and entries into that.
/// `is_word`: whether an entry is a word by itself, such as `volatile`; `default` becomes `map->otherwise`, an optional template;
/// others are handed to `add_entry(call, map, key, value)`.
template <class Map, class IsWord, class AddEntry>
void define_map(const config::Call& call, std::shared_ptr<Map> map, VariableGetter get, IsWord is_word, AddEntry add_entry) {
  Loader& loader = Loader::of(call);
  if (!call.args[1].starts_with('$')) call.fail(fmt::format("invalid variable name \"{}\"", call.args[1]));
  const bool is_volatile = std::ranges::any_of(call.statement.children, [](const config::Statement& entry) {
    return entry.args.empty() && entry.name == "volatile";
  });
  const std::string name = call.args[1].substr(1);
  if (!loader.protocol.variables.define(name, get, map, !is_volatile))
    call.fail(fmt::format("the duplicate \"{}\" variable", name));
  map->source = Template::compile(call.args[0], loader.protocol.variables);
  for (const config::Statement& entry : call.statement.children) {
    if (is_word(entry)) continue;
    try {
      const config::Call inner{entry, entry.args, loader.diagnostics, call.settings, call.context, call.where, call.table};
      loader.begin(entry);
      if (entry.args.size() != 1) inner.fail(fmt::format("invalid number of the {} parameters", call.statement.name));
      if (entry.name != "default") {
        add_entry(inner, *map, entry.name, entry.args[0]);
        continue;
      }
      if (map->otherwise) inner.fail("duplicate default map parameter");
      map->otherwise = Template::compile(entry.args[0], loader.protocol.variables);
    } catch (const config::ValueError& error) {
      loader.diagnostics.error(entry.at, error.what());
    }
  }
}

/// The value that `choose` found; null, and so empty: there is none.
inline VariableValue mapped(Context& context, const Template* value) {
  return {value ? value->evaluate(context) : std::string_view()};
}

}  // namespace weir::shared
