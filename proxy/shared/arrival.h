// How a connection came to the address that it is served at.
#pragma once

#include <memory>

#include "net/endpoint.h"
#include "net/proxy_protocol.h"

namespace weir::shared {

struct Arrival {
  net::Endpoint peer;   // who connected; of a connection that was passed on, whom the server before took for the client
  net::Endpoint local;  // the address of ours; empty: the socket's own
  std::unique_ptr<net::ProxyHeader> proxy_header;  // what a proxy in front said, if that was read already
};

}  // namespace weir::shared
