// What an Authorization field of the scheme Basic says (RFC 7617).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

struct Credentials {
  std::string user, password;
};

/// Reads the value of an Authorization field; nothing if it is of another scheme or malformed.
std::optional<Credentials> basic_credentials(std::string_view field);

}  // namespace weir::http
