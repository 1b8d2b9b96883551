#include "server/addresses.h"

namespace weir::server {

namespace {

Address find(const http::HttpConfig& http, const stream::StreamConfig& stream, const std::string& text) {
  if (const http::ListenAddress* const listen = http.find_listen(text)) return {listen, nullptr};
  return {nullptr, stream.find_listen(text)};
}

}  // namespace

Address find_address(const http::HttpConfig& http, const stream::StreamConfig& stream, const net::Endpoint& own) {
  const Address exact = find(http, stream, own.to_string());
  if (exact || own.is_unix()) return exact;
  return find(http, stream, (own.family() == AF_INET ? "0.0.0.0:" : "[::]:") + std::to_string(own.port()));
}

Address address_of(const http::HttpConfig& http, const stream::StreamConfig& stream, const ListeningSocket& socket,
                   int connection) {
  if (socket.covers_others)
    if (const Address own = find_address(http, stream, net::Endpoint::local_of(connection))) return own;
  if (socket.wanted < http.listens.size()) return {http.listens[socket.wanted].get(), nullptr};
  return {nullptr, stream.listens[socket.wanted - http.listens.size()].get()};
}

}  // namespace weir::server
