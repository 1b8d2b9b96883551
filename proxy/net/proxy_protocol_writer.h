// The PROXY protocol, the other way: what Weir tells a backend of its client before the client's own octets.
// Source: "The PROXY protocol", HAProxy's doc/proxy-protocol.txt; the choice of fields of version 2 is nginx's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/endpoint.h"

namespace weir::net {

class TlsFacts;

enum class ProxyTransport : std::uint8_t { Stream = 1, Datagram = 2 };

/// The header of version 1, with its line's end; `PROXY UNKNOWN` if the client has no IP address.
///
/// `source`, `destination`: the client, and the address it came to. One of IPv4 beside one of IPv6 is written as an
/// IPv4-mapped one.
std::string proxy_header_v1(const Endpoint& source, const Endpoint& destination);

/// The header of version 2, with a checksum (CRC-32C) at its end; the command LOCAL without addresses if one of both is
/// not of IP. Two IPv4-mapped addresses are written as of IPv4.
///
/// `tlvs`: put together by append_tlv. Nothing is written of a list that makes the header longer than
/// kLongestProxyHeader.
std::string proxy_header_v2(const Endpoint& source, const Endpoint& destination, ProxyTransport transport,
                            std::string_view tlvs = {});

/// Adds a type-length-value triple to `list`. `value`: at most 65 535 octets.
void append_tlv(std::string& list, std::uint8_t type, std::string_view value);

/// What is told of a client that came encrypted: authority, ALPN and the TLS structure, as TLVs.
std::string tls_tlvs(const TlsFacts& tls);

}  // namespace weir::net
