// Content types: by file name extension, and what they are made of.
#pragma once

#include <string_view>

#include "http/exchange.h"

namespace weir::http {

/// The type that `types` has for the extension of the exchange's URI, else `default_type`. Lives as long as the
/// configuration.
std::string_view content_type_of(const Exchange& exchange);

/// `text/html; charset=utf-8` without its parameters.
std::string_view media_type(std::string_view content_type);

/// Where the semicolon before the charset is; npos if none is named.
std::size_t find_charset(std::string_view content_type);

}  // namespace weir::http
