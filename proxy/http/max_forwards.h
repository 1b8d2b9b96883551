// Max-Forwards: how many proxies an OPTIONS request may still pass (RFC 9110 7.6.2).
#pragma once

#include <optional>

#include "http/exchange.h"
#include "http/forward.h"

namespace weir::http {

/// Counts one down in `outgoing`. Returns how the exchange ends here instead, if it does: at 0 Weir is the recipient and
/// its answer is in `exchange.response`; a value that is no number is a 400.
std::optional<PhaseResult> count_forward(Exchange& exchange, OutgoingRequest& outgoing);

}  // namespace weir::http
