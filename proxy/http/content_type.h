// Content types by file name extension.
#pragma once

#include <string_view>

#include "http/exchange.h"

namespace weir::http {

/// The type that `types` has for the extension of the exchange's URI, else `default_type`. Lives as long as the
/// configuration.
std::string_view content_type_of(const Exchange& exchange);

}  // namespace weir::http
