#include "session/server_list.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace weir::discovery {
namespace {

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_v6_character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == '.' || c == ':';
}

[[noreturn]] void refuse(std::string_view text) {
  throw std::invalid_argument("invalid ZooKeeper server \"" + std::string(text) + "\", expected host or host:port");
}

}  // namespace

ServerAddress parse_server(std::string_view text) {
  ServerAddress server;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) refuse(text);
    server.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!std::all_of(server.host.begin(), server.host.end(), is_v6_character)) refuse(text);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    server.host = text.substr(0, colon);
    rest = text.substr(colon);
    if (!std::all_of(server.host.begin(), server.host.end(), is_host_character)) refuse(text);
  }
  if (server.host.empty() || server.host.size() > 255) refuse(text);
  if (rest.empty()) return server;
  if (rest.front() != ':') refuse(text);
  rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), server.port);
  if (error != std::errc{} || end != rest.data() + rest.size() || server.port == 0) refuse(text);
  return server;
}

std::vector<ServerAddress> parse_servers(std::span<const std::string> texts) {
  if (texts.empty()) throw std::invalid_argument("no ZooKeeper server given");
  std::vector<ServerAddress> servers;
  for (const std::string& text : texts) servers.push_back(parse_server(text));
  std::sort(servers.begin(), servers.end());
  servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
  return servers;
}

std::string to_string(const ServerAddress& server) {
  const bool is_v6 = server.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

std::string to_string(std::span<const ServerAddress> servers) {
  std::string text;
  for (const ServerAddress& server : servers) {
    if (!text.empty()) text += ',';
    text += to_string(server);
  }
  return text;
}

}  // namespace weir::discovery
