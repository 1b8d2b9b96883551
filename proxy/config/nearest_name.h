// "Did you mean": the known name that is closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::config {

/// The name of `known` that needs the fewest single-letter changes (insert, drop, replace, swap neighbours) to become
/// `mistyped`, or an empty text if all are too far off to be what was meant. Ties go to the first.
std::string_view nearest_name(std::string_view mistyped, std::span<const std::string_view> known);

}  // namespace weir::config
