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

/// What a header of version 2 begins with.
inline constexpr std::string_view kProxySignature("\r\n\r\n\0\r\nQUIT\n", 12);

// Types of TLVs; those with Ssl in their name but the first stand within its value.
inline constexpr std::uint8_t kTlvAlpn = 0x01, kTlvAuthority = 0x02, kTlvChecksum = 0x03, kTlvUniqueId = 0x05,
                              kTlvSsl = 0x20, kTlvSslVersion = 0x21, kTlvSslCommonName = 0x22, kTlvSslCipher = 0x23,
                              kTlvSslSignature = 0x24, kTlvSslKey = 0x25, kTlvNetns = 0x30;

/// Reads a header at the beginning of `octets`. Complete: `size` octets of them were it, the rest is the client's. Of
/// version 2 only what is said of streams is taken for addresses. A checksum (kTlvChecksum) is not checked: TCP has one of
/// its own, and nginx takes headers with any.
ProxyHeaderStatus parse_proxy_header(std::string_view octets, ProxyHeader& header, std::size_t& size);

}  // namespace weir::net
