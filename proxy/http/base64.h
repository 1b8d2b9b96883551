// Base64 (RFC 4648), standard and URL alphabets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// The octets that `text` stands for; nothing if it is not Base64. Padding may be missing. Both alphabets are read.
std::optional<std::string> decode_base64(std::string_view text);

/// `octets` in the standard alphabet, padded.
std::string encode_base64(std::string_view octets);

}  // namespace weir::http
