// `syslog:…`, as error_log and access_log take it.
#pragma once

#include <memory>
#include <string_view>

#include "config/directive.h"
#include "shared/loader.h"
#include "log/syslog.h"

namespace weir::shared {

inline constexpr std::string_view kSyslogPrefix = "syslog:";

/// Reads `syslog:server=address[,facility=…][,severity=…][,tag=…][,nohostname]`, which stands in `call`.
/// The server: an address, a host's name or `unix:path`; port 514 unless given. `names`: whether its name may be looked up,
/// which may wait. Throws config::ValueError in nginx's wording.
std::shared_ptr<log::Syslog> parse_syslog(const config::Call& call, std::string_view text, Names names);

}  // namespace weir::shared
