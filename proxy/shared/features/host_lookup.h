// Host names in directives that need the addresses before anything is served.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/directive.h"
#include "shared/loader.h"
#include "net/endpoint.h"

namespace weir::shared {

/// The addresses, without port, of `host`, which stands in `call`; asks the system's resolver, which may wait.
/// Names::Leave: asks nobody; a notice says so, and there are no addresses.
/// Throws config::ValueError if `host` cannot be a host's name, or has no address.
std::vector<net::Endpoint> look_up_host(const config::Call& call, const std::string& host, Names names);

/// Whether a host file or a name server may know `text`: letters, digits, `-` and `_`, and dots between them.
/// Source: RFC 1035, 2.3.4 (sizes); nginx asks the system's resolver about anything.
bool is_host_name(std::string_view text);

}  // namespace weir::shared
