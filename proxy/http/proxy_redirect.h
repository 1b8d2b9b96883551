// proxy_redirect: Location and Refresh of a backend, as the client must see them.
#pragma once

#include <string>
#include <string_view>

#include "config/regex.h"
#include "http/variable.h"

namespace weir::http {

class Exchange;

/// One `proxy_redirect FROM TO`.
struct ProxyRedirect {
  Template from;        // a prefix; or
  config::Regex regex;  // a pattern
  Template to;
};

/// The value for the client; the given one where no rule fits.
std::string_view redirect_for_client(Exchange& exchange, std::string_view location);
/// The same for the URL inside of a Refresh field.
std::string_view refresh_for_client(Exchange& exchange, std::string_view refresh);

}  // namespace weir::http
