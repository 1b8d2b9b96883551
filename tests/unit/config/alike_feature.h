// A second feature whose types and members are named as those of directive_table_test.cc, in a file of its own.
#pragma once

#include <span>
#include <string>

#include "config/directive.h"

namespace weir::config {

std::span<const DirectiveSpec> alike_directives();
/// `off x`: what its two settings are.
std::string alike_values(const Settings& settings);

}  // namespace weir::config
