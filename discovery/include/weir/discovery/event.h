// What this library reports about itself. It never writes a log: whoever embeds it says where the lines go.
#pragma once

#include <functional>
#include <string_view>

namespace weir::discovery {

/// How much a reported event matters; the names are nginx's log levels.
enum class Severity { Debug, Info, Notice, Warning, Error };

/// Receives one event as one line of text without a newline.
///
/// Called from the library's own threads, one event at a time for each source, so it must not wait. `text` is valid
/// only during the call; whatever came from the registry is printed in it with control characters escaped.
using LogFunction = std::function<void(Severity, std::string_view text)>;

}  // namespace weir::discovery
