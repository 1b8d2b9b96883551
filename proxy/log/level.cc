#include "log/level.h"

#include <array>
#include <cstddef>

namespace weir::log {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"emerg", "alert",  "crit", "error",
                                                    "warn",  "notice", "info", "debug"};

}  // namespace

std::string_view to_string(Level level) {
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<Level> parse_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Level>(i);
  return std::nullopt;
}

}  // namespace weir::log
