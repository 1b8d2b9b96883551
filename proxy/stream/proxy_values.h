// What proxy_pass and its family say, for one session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/endpoint.h"
#include "net/proxy_protocol_writer.h"
#include "stream/session.h"

namespace weir::stream {

/// The address that `proxy_bind` names; nothing if there is none, or none that could be one, which is logged.
std::optional<net::Endpoint> own_address(Session& session);

/// A rate in octets a second; 0: no limit, or not a number.
std::uint64_t rate_of(Session& session, const Template& text);

/// What `proxy_protocol` tells the backend of the client, before anything else; empty: nothing.
std::string proxy_header(Session& session, net::ProxyTransport transport);

}  // namespace weir::stream
