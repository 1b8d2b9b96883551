// How grave a log entry is, as nginx grades them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::log {

/// The gravest first; a log of level L takes entries of L and graver.
enum class Level : std::uint8_t { Emerg, Alert, Crit, Error, Warn, Notice, Info, Debug };

/// `emerg`, `alert`, …
std::string_view to_string(Level level);
/// The level of that name, as error_log takes it; nothing if there is none.
std::optional<Level> parse_level(std::string_view name);

}  // namespace weir::log
