// The list of HTTP features.
#pragma once

#include <span>

#include "config/directive_table.h"
#include "http/feature.h"

namespace weir::http {

/// Every feature, in order of execution.
std::span<const Feature* const> features();

/// Adds the directives of all features.
void add_directives(config::DirectiveTable& table);

}  // namespace weir::http
