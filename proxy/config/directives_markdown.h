// The reference page conf/DIRECTIVES.md, generated from the tables.
#pragma once

#include <string>

#include "config/directive_table.h"

namespace weir::config {

/// Every directive of `table` and of the catalogue with its places, syntax and state, as Markdown. The same tables
/// give the same text.
std::string directives_markdown(const DirectiveTable& table);

}  // namespace weir::config
