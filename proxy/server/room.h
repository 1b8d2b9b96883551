// Who makes room when all places for connections are taken.
//
// Those with the least claim: idle connections, then the oldest unfinished head, then the slowest body. An address that
// holds more than a quarter of the places comes before all others, in the same order, and makes room for itself before
// anybody else does: so one address cannot take the places of the others. IPv6 counts by its first 64 bits, which one
// client has to itself; unix sockets have no address and no share.
#pragma once

#include <cstdint>
#include <vector>

#include "http/connection_host.h"
#include "net/endpoint.h"

namespace weir::server {

/// The connections of `host` that are to end for one from `newcomer` (empty: nobody knows who that is): up to `wanted` of
/// one kind. `places`: how many there are. None: everybody keeps their place.
///
/// A request that is being served is ended only for a client within its share, and only if an address that has more than
/// its share holds it.
std::vector<http::ClientConnectionBase*> choose_leavers(http::ConnectionHost& host, std::uint32_t places,
                                                        const net::Endpoint& newcomer, std::size_t wanted);

}  // namespace weir::server
