// Receiving a PROXY protocol header, so that what stands behind it stays in the socket: for whoever comes next, be it TLS.
#pragma once

#include <cstdint>

#include "net/proxy_protocol.h"
#include "net/stream.h"
#include "net/task.h"

namespace weir::net {

struct ProxyHeaderOutcome {
  enum class Kind : std::uint8_t {
    Done,
    Broken,    // something else came
    Ended,     // the peer left, or the stream was closed, before the header was complete: `error`
    TimedOut,
  };
  Kind kind = Kind::Done;
  IoError error;
};

/// Takes a header off the beginning of `stream`, a socket from which nothing was read, by `deadline`; no octet more. Both
/// parameters outlive the call.
Task<ProxyHeaderOutcome> read_proxy_header(Stream& stream, TimePoint deadline, ProxyHeader& header);

}  // namespace weir::net
