// proxy_pass for UDP.
#pragma once

#include "stream/phase.h"
#include "stream/session.h"

namespace weir::stream {

/// As `forward`, for a session of datagrams. Another backend is tried if a socket to one cannot be made, as long as no
/// datagram was sent: afterwards nobody knows what became of it.
net::Task<PhaseResult> forward_datagrams(Session& session);

}  // namespace weir::stream
