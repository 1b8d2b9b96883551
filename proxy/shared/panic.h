// Tells when all servers of a group are marked failed.
#pragma once

#include <weir/balancer/upstream.h>

#include "log/error_log.h"

namespace weir::shared {

/// To be called for each lease that `reader` gave: writes a line, once each, when that finds all servers of the group
/// marked failed, so that all of them are used, and when that is over.
inline void note_panic(balancer::UpstreamReader& reader, const balancer::Lease& lease, const log::ErrorLog& log) {
  using balancer::PanicChange;
  const PanicChange change = reader.note_panic(lease);
  if (change == PanicChange::None) return;
  const std::string& name = reader.upstream().name();
  if (change == PanicChange::Begins)
    log::warn(log, "upstream \"{}\": all servers are marked failed, so all of them are used", name);
  else
    log::notice(log, "upstream \"{}\": not all servers are marked failed any more", name);
}

}  // namespace weir::shared
