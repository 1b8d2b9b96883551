// The places of a configuration in which a directive may stand. A set of places is written `Http | Server |
// Location`.
#pragma once

#include <cstdint>
#include <string>

namespace weir::config {

/// One place, or several combined with `|`.
enum Context : std::uint32_t {
  Nowhere = 0,
  Main = 1u << 0,
  Events = 1u << 1,
  Http = 1u << 2,
  Server = 1u << 3,
  Location = 1u << 4,
  ServerIf = 1u << 5,    // `if` in `server`
  LocationIf = 1u << 6,  // `if` in `location`
  LimitExcept = 1u << 7,
  Upstream = 1u << 8,
  Stream = 1u << 9,
  StreamServer = 1u << 10,
  StreamUpstream = 1u << 11,
  Mail = 1u << 12,
  MailServer = 1u << 13,
  Mgmt = 1u << 14,
  OidcProvider = 1u << 15,
  AcmeIssuer = 1u << 16,
  Match = 1u << 17,        // `match` in `http`: what a health check expects
  StreamMatch = 1u << 18,  // `match` in `stream`
  Everywhere = (1u << 19) - 1,
};

constexpr Context operator|(Context left, Context right) {
  return static_cast<Context>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));
}
constexpr Context operator&(Context left, Context right) {
  return static_cast<Context>(static_cast<std::uint32_t>(left) & static_cast<std::uint32_t>(right));
}
/// Whether `places` and `where` have a place in common.
constexpr bool allows(Context places, Context where) {
  return (places & where) != Nowhere;
}

/// The places by name, as nginx's documentation writes them: `http, server, location, if in location`.
std::string to_text(Context places);

}  // namespace weir::config
