// Names with a `*` at one end, for tables that cover families of directives.
#pragma once

#include <string_view>

namespace weir::config {

/// Whether `name` is what `pattern` stands for: `brotli`, `brotli_*` or `*_by_lua_block`.
constexpr bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  return name == pattern;
}

}  // namespace weir::config
