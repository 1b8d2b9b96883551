#include "config/directive.h"

#include <fmt/format.h>

#include "config/directive_table.h"

namespace weir::config {

void Call::apply_children(Context inside, Settings& scope) const {
  table.apply_block(statement.children, inside, scope, context, diagnostics);
}

void Call::fail(std::string message) const {
  throw ValueError(message);
}

void Call::fail_value(std::string_view value, std::string_view expected) const {
  std::string message = fmt::format("invalid value \"{}\" in \"{}\" directive", value, name());
  if (!expected.empty()) message += fmt::format(", it must be {}", expected);
  throw ValueError(message);
}

void Call::fail_duplicate() const {
  throw ValueError(fmt::format("\"{}\" directive is duplicate", name()));
}

}  // namespace weir::config
