// Addresses of members: where an IP address and a port say it, and where the name of a host does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::discovery {

inline constexpr std::size_t kLongestName = 255;  ///< of a node, and of what is taken from one as a name

/// Why a name is no member.
enum class NameError {
  TooLong,
  BadCharacter,
  BadAddress,
  RefusedAddress,  ///< unspecified, multicast, broadcast or link-local: never a server
  BadPort,
  BadField,        ///< not `key=value`, an impossible key, or one given twice
  BadTier,
  BadState,
  BadEscape,       ///< `%` not followed by two hexadecimal digits, or decoded to control characters or invalid UTF-8
};

/// A few words for counters and log lines, such as `bad port`.
const char* to_string(NameError error);

/// Reads an `ip:port` or `[v6]:port` and returns it in canonical form, so that one server has one address.
/// If it is none, or one that cannot be a server, nothing; `error` says why.
std::optional<std::string> canonical_address(std::string_view text, NameError& error);

/// The same, and `host:port`: in lower case, without a dot at its end. What a name stands for is checked when it is known.
std::optional<std::string> canonical_member_address(std::string_view text, NameError& error);

/// Whether `address`, canonical, is one by the name of a host.
bool is_named(std::string_view address);

/// The host of such an address.
std::string_view host_of(std::string_view named_address);

/// The same with an IP literal (v6 without brackets) in place of its host.
std::string at_literal(std::string_view named_address, const std::string& literal);

}  // namespace weir::discovery
