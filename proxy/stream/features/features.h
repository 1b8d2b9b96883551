// The list of stream features.
#pragma once

#include <span>

#include "config/directive_table.h"
#include "stream/feature.h"

namespace weir::stream {

/// Every feature, in order of execution.
std::span<const Feature* const> features();

/// Adds the directives of all features.
void add_directives(config::DirectiveTable& table);

}  // namespace weir::stream
