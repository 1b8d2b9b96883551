// Why Weir itself refused a request or a connection, as status outputs count it.
//
// A row of kRefusalNames is the name in outputs; whoever reads these counts on it to stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

enum class Refusal : std::uint8_t {
  // a head that cannot be understood, or could be in two ways
  Syntax,
  RequestLine,
  Fields,
  Host,
  Framing,
  Target,       // its path, or how backends may read it
  PlainHttp,    // on a TLS port
  // a limit
  HeadSize,
  HeadTime,
  BodySize,
  BodyFraming,  // chunks that are none
  BodyTime,
  Places,       // connections turned away because no place could be made for them
  MadeRoom,     // connections that had to make room for a new client
  // a rule
  LimitRequests,
  LimitConnections,
  Access,
  Authentication,
};
inline constexpr std::string_view kRefusalNames[] = {
    "syntax",    "request_line", "fields",    "host",      "framing",  "target",     "plain_http_on_tls_port",
    "head_size", "head_time",    "body_size", "body_framing", "body_time", "no_place", "made_room",
    "limit_req", "limit_conn",   "access",    "authentication"};
inline constexpr std::size_t kRefusals = std::size(kRefusalNames);
static_assert(kRefusals == static_cast<std::size_t>(Refusal::Authentication) + 1);

}  // namespace weir::http
