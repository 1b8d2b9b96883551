// Capabilities that http and stream share whole: directives that stand in both, and what they mean.
//
// One file each. Those that have to act while something is served are called by a feature of each protocol.
#pragma once

#include <span>

#include "config/directive_table.h"
#include "shared/variable.h"

namespace weir::shared {

using Directives = std::span<const config::DirectiveSpec>;

/// Adds the built-in variables that every protocol has.
void add_variables(VariableTable& table);

/// Adds the directives of all of them.
void add_directives(config::DirectiveTable& table);

}  // namespace weir::shared
