// Status codes: their texts.
#pragma once

#include <string_view>

namespace weir::http {

/// What the Server field and our own pages say with `server_tokens on`.
inline constexpr std::string_view kServerToken = "weir/" WEIR_VERSION;

/// `404 Not Found`. Codes of our own (444, 497 …) give a text too; an unknown code gives its number.
std::string_view status_line_text(int status);

/// Refusals of nginx's that error_page can name apart and that clients see as a 400: what is wrong, or an empty text.
constexpr std::string_view refusal_text(int status) {
  switch (status) {
    case 495: return "The SSL certificate error";
    case 496: return "No required SSL certificate was sent";
    case 497: return "The plain HTTP request was sent to HTTPS port";
    default: return {};
  }
}
/// The status that clients see.
constexpr int wire_status(int status) { return refusal_text(status).empty() ? status : 400; }

/// Responses with it end with their head.
constexpr bool has_no_body(int status) { return status == 204 || status == 304 || (status >= 100 && status < 200); }

}  // namespace weir::http
