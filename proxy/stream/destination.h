// Where a session goes: the upstream, from `proxy_pass`.
#pragma once

#include <optional>

#include "shared/dynamic_upstreams.h"
#include "stream/session.h"

namespace weir::stream {

struct Destination {
  const UpstreamBlock* upstream = nullptr;
  balancer::UpstreamReader* reader = nullptr;
  DynamicUpstreamPtr dynamic;  // holds the two if they are of one
};

/// The destination; nothing if there is none, which was logged. A name may have to be resolved.
net::Task<std::optional<Destination>> find_destination(Session& session);

}  // namespace weir::stream
