// MD5 and SHA-1, for formats that were made with them (password files, signed links). Not for anything new.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::net {

using Md5 = std::array<std::uint8_t, 16>;
using Sha1 = std::array<std::uint8_t, 20>;

/// The digest of `text`. Thread safety: any thread.
Md5 md5(std::string_view text);
Sha1 sha1(std::string_view text);

}  // namespace weir::net
