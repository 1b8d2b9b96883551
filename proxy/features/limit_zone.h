// What limit_req_zone and limit_conn_zone have in common.
#pragma once

#include <fmt/format.h>

#include "features/scopes.h"

namespace weir::http {

struct ZoneName {
  std::string name;
  std::size_t octets = 0;
};

/// Reads `zone=name:size`; the argument without `zone=`. Throws in nginx's wording.
inline ZoneName parse_zone(const config::Call& call, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) call.fail(fmt::format("invalid zone size \"zone={}\"", text));
  const auto size = config::parse_size(text.substr(colon + 1));
  if (!size) call.fail(fmt::format("invalid zone size \"zone={}\"", text));
  constexpr std::size_t kLeast = 32 * 1024;
  if (size->count() < kLeast) call.fail(fmt::format("zone \"{}\" is too small", text.substr(0, colon)));
  return {std::string(text.substr(0, colon)), static_cast<std::size_t>(size->count())};
}

inline constexpr config::EnumName<log::Level> kLimitLevels[] = {{"info", log::Level::Info},
                                                                {"notice", log::Level::Notice},
                                                                {"warn", log::Level::Warn},
                                                                {"error", log::Level::Error}};

/// Parse function: the status of refused requests.
inline int refusal_status(const config::Call& call) { return static_cast<int>(config::number_between(call, 400, 599)); }

/// Keys longer than this are not counted, as in nginx.
inline constexpr std::size_t kLongestKey = 65535;

}  // namespace weir::http
