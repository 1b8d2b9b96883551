// The PROXY protocol, versions 1 and 2: what a proxy in front says of the client before the client's own octets.
// Source: "The PROXY protocol", HAProxy's doc/proxy-protocol.txt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/endpoint.h"

namespace weir::net {

struct ProxyHeader {
  Endpoint source, destination;  // empty: the proxy does not know, or speaks for itself
  std::string tlvs;              // of version 2: type-length-value triples as they came

  /// The value of the first TLV `type`; nothing if there is none.
  std::optional<std::string_view> tlv(std::uint8_t type) const;
};

/// The value of the first TLV `type` in a list of such.
std::optional<std::string_view> find_tlv(std::string_view list, std::uint8_t type);

enum class ProxyHeaderStatus : std::uint8_t { Incomplete, Complete, Bad };

/// Longer headers are refused.
inline constexpr std::size_t kLongestProxyHeader = 4096;

/// Reads a header at the beginning of `octets`. Complete: `size` octets of them were it, the rest is the client's.
ProxyHeaderStatus parse_proxy_header(std::string_view octets, ProxyHeader& header, std::size_t& size);

}  // namespace weir::net
