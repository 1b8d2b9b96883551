// proxy_pass: giving a session to a backend.
#pragma once

#include "stream/phase.h"
#include "stream/session.h"

namespace weir::stream {

/// The content handler of `proxy_pass`: picks a backend, connects, and passes octets both ways until the session is over;
/// tries others as `proxy_next_upstream` allows, as long as none is connected.
net::Task<PhaseResult> forward(Session& session);

}  // namespace weir::stream
