// Status codes: their texts.
#pragma once

#include <string_view>

namespace weir::http {

/// What the Server field and our own pages say with `server_tokens on`.
inline constexpr std::string_view kServerToken = "weir/" WEIR_VERSION;

/// `404 Not Found`. Codes of our own (444, 497 …) give a text too; an unknown code gives its number.
std::string_view status_line_text(int status);

}  // namespace weir::http
