// The servers of an ensemble, as an administrator writes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

inline constexpr std::uint16_t kDefaultZooKeeperPort = 2181;

/// One server: a name or an IP literal (v6 without brackets), and a port.
struct ServerAddress {
  std::string host;
  std::uint16_t port = kDefaultZooKeeperPort;

  auto operator<=>(const ServerAddress&) const = default;
};

/// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. Throws std::invalid_argument, naming `text`, if it is none of them.
ServerAddress parse_server(std::string_view text);

/// Reads a whole list, sorted and without doubles. Throws std::invalid_argument also if it is empty.
std::vector<ServerAddress> parse_servers(std::span<const std::string> texts);

/// `host:port`, with brackets around a v6 literal.
std::string to_string(const ServerAddress& server);

/// The list, comma-separated: names an ensemble in logs and identifies it in the process.
std::string to_string(std::span<const ServerAddress> servers);

}  // namespace weir::discovery
