// Dates as HTTP writes them.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace weir::http {

/// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 5.6.7).
std::string http_date(std::time_t time);

/// The present time in that form; made once a second on each thread. Valid until the thread's next call.
std::string_view http_date_now();

/// Seconds since the epoch, or -1 if `text` is none of the three forms of RFC 9110 5.6.7 or a time before the epoch, which
/// no version of anything has.
std::time_t parse_http_date(std::string_view text);

}  // namespace weir::http
