// Sending all of something.
#pragma once

#include <chrono>
#include <string_view>

#include "net/stream.h"
#include "net/task.h"

namespace weir::net {

/// Sends all of `bytes`, which must stay valid until it is done. Tries at once and waits only while the socket is
/// full; `timeout` (0: none) limits each wait, so it is the time between two successful writes, as nginx's
/// send_timeout. Error: none, ETIMEDOUT, ECANCELED, or an errno.
Task<IoError> send_all(Stream& stream, std::string_view bytes, std::chrono::milliseconds timeout);

}  // namespace weir::net
