// OpenSSL's errors as text.
#pragma once

#include <string>
#include <string_view>

#include "net/tls_options.h"

namespace weir::net {

/// Takes everything out of the calling thread's error queue: `SSL: error:0A000086:SSL routines::certificate verify
/// failed`, or an empty text.
std::string take_tls_errors();

/// Throws TlsConfigError: `what (SSL: …)`, with the error queue.
[[noreturn]] void fail_tls(std::string_view what);

}  // namespace weir::net
