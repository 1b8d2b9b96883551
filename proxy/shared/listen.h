// What `listen` says about a socket, whatever is served on it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/directive.h"
#include "shared/address.h"

namespace weir::shared {

/// `so_keepalive=`; what is absent is left to the system.
struct ListenKeepAlive {
  bool enabled = true;
  std::optional<std::chrono::seconds> idle, interval;
  std::optional<int> count;
};

struct ListenSocket {
  std::string text;  // canonical: `0.0.0.0:80`, `[::]:80`, `unix:/path`
  int backlog = 511;
  int receive_buffer = 0, send_buffer = 0;  // octets; 0: the system's choice
  bool reuse_port = false, ipv6_only = true, deferred = false;
  std::optional<ListenKeepAlive> keep_alive;
  std::optional<int> fast_open;
  bool tls = false;             // `ssl`
  bool proxy_protocol = false;  // connections begin with what a proxy says of the client
  bool options_set = false;     // socket options were given: a second `listen` may not give others
  config::Position at;
};

/// The addresses that one `listen` stands for: several if it names a range of ports. Throws config::ValueError.
std::vector<HostPort> parse_listen_addresses(const config::Call& call, std::string_view text);

/// Applies one parameter of the socket. Returns false if it is none. Throws config::ValueError.
bool set_listen_option(const config::Call& call, ListenSocket& socket, std::string_view parameter);

}  // namespace weir::shared
