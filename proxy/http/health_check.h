// What an answer of HTTP is worth to a health check.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "shared/health_check.h"

namespace weir::http {

/// Why the answer will not do for `match`; empty: it will.
std::string judge(const shared::HealthMatch& match, const ResponseHead& head, std::string_view body);

}  // namespace weir::http
