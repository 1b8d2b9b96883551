// Addresses as configuration files write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::shared {

struct HostPort {
  std::string host;  // a name, an IPv4 address, an IPv6 address in brackets, or `unix:/path`
  std::uint16_t port = 0;
  bool port_given = false;

  bool is_unix() const { return host.starts_with("unix:"); }
  /// `host:port`, or the unix form alone.
  std::string text() const;
  /// True if no name has to be resolved.
  bool is_literal() const;
};

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port`, or `unix:/path`.
/// Throws config::ValueError in nginx's wording if `text` is none of them.
HostPort parse_host_port(std::string_view text, std::uint16_t default_port);

/// The balancer tells servers apart by their address; this is what the `copy`-th server (2, 3 …) with the same one is
/// called. `socket_address` is what to connect to.
std::string address_of_copy(const std::string& address, int copy);
std::string_view socket_address(std::string_view backend_address);

/// Reads a `listen` address: as above, or a port alone, or `*:port`. Canonical text: `0.0.0.0:80`, `[::]:80`.
HostPort parse_listen(std::string_view text);

}  // namespace weir::shared
