// Every directive that nginx documents, and well-known ones of third-party modules: what Weir does about those that
// no feature implements. "Unknown directive" is left for typing errors.
//
// Static data. Rows of a DirectiveTable come first; the catalogue is asked only where there is none.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "config/directive.h"

namespace weir::config {

/// A documented directive.
struct DocumentedDirective {
  std::string_view name;
  Context contexts = Nowhere;
  Arity arity;
  bool is_block = false;
  std::string_view module;  // `ngx_http_proxy_module`
};

/// What becomes of a directive that no feature implements.
struct Verdict {
  Support support = Support::Refused;
  std::string_view reason;
};

/// All documented directives, sorted by name; a name has one row for each module that documents it.
std::span<const DocumentedDirective> documented_directives();

/// The documented directive of this name for `where` (or one of several places), or nullptr.
const DocumentedDirective* find_documented(std::string_view name, Context where);

/// What to do with a documented directive that has no row of its own.
Verdict verdict_on(const DocumentedDirective& directive);

/// What to do with a directive of a module that is not part of nginx (`brotli`, `more_set_headers`, `content_by_lua`
/// …), or nothing if the name is not known.
std::optional<Verdict> verdict_on_third_party(std::string_view name);

}  // namespace weir::config
