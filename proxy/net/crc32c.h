// CRC-32C (Castagnoli), the checksum of PROXY protocol headers. Source: RFC 3720, appendix B.4.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::net {

/// The checksum of `octets`.
std::uint32_t crc32c(std::string_view octets);

}  // namespace weir::net
