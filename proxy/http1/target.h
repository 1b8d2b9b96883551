// Request targets and the authorities in them (RFC 9112 3.2, RFC 3986 3.2).
#pragma once

#include <string_view>

#include "http/message.h"
#include "http1/parse_error.h"

namespace weir::http1 {

struct Authority {
  std::string_view host;  // never empty; with brackets if it is an IP literal
  std::string_view port;  // digits up to 65535; may be empty, also after a colon
};

/// Reads `host` or `host:port`, the value of Host and the authority of a target: a registered name, an IPv4 address,
/// or an IPv6 or future literal in brackets. No user information. Two dots in a row are refused, as in nginx.
///
/// False if `text` is none of them. A `%xx` may stand only for what could stand there undecoded or for UTF-8, so that
/// no decoding turns it into a delimiter.
bool parse_authority(std::string_view text, Authority& authority);

/// Whether both mean the same host and port when an absent port means `default_port`.
bool same_authority(const Authority& a, const Authority& b, unsigned default_port);

/// Takes apart `target` as the method in `head` allows: sets form, target_https, path, query, host and port.
/// `target` holds target octets only (`is_target_octet`) and is not empty.
Reason parse_target(std::string_view target, http::RequestHead& head);

}  // namespace weir::http1
