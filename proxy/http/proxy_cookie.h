// proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags: Set-Cookie of a backend, as the client must see it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/regex.h"
#include "http/variable.h"

namespace weir::http {

class Exchange;

/// One `proxy_cookie_domain` or `proxy_cookie_path` FROM TO.
struct CookieRewrite {
  Template from;        // the whole domain without its leading dot, or a prefix of the path; or
  config::Regex regex;  // a pattern for the whole value
  Template to;
};

/// One `proxy_cookie_flags` COOKIE FLAG….
struct CookieFlags {
  Template name;        // in any case; or
  config::Regex regex;  // a pattern
  std::vector<Template> flags;
};

/// Whether `word` is a flag that `proxy_cookie_flags` knows.
bool is_cookie_flag(std::string_view word);

/// The value of a Set-Cookie field for the client; the given one where no rule fits.
std::string_view cookie_for_client(Exchange& exchange, std::string_view cookie);

}  // namespace weir::http
