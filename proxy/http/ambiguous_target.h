// Whether a backend may take a request for another location's than the one whose rules it went through.
#pragma once

#include <string_view>

#include "http/exchange.h"

namespace weir::http {

/// Why the target of `exchange` must not be forwarded, in words for the log; empty if nothing speaks against it.
///
/// See path_readings.h; a fragment is refused too. Where only the path's normal form is safe, the backend is given that
/// (`uri_is_original` is cleared).
std::string_view judge_target(Exchange& exchange);

}  // namespace weir::http
