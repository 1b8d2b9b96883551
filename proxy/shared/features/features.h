// Capabilities that http and stream share whole: directives that stand in both, and what they mean.
//
// One file each. Those that have to act while something is served are called by a feature of each protocol.
#pragma once

#include <span>

#include "config/directive_table.h"
#include "shared/variable.h"

namespace weir::shared {

using Directives = std::span<const config::DirectiveSpec>;

/// The built-in variables that every protocol has.
std::span<const VariableSpec> common_variables();

/// Adds the directives of all of them.
void add_directives(config::DirectiveTable& table);

}  // namespace weir::shared
