// The listening addresses of a configuration, whichever protocol is served there.
#pragma once

#include <memory>

#include "http/http_config.h"
#include "net/endpoint.h"
#include "server/listen_sockets.h"
#include "stream/stream_config.h"

namespace weir::server {

/// One of them: of http, of stream, or (neither) none.
struct Address {
  const http::ListenAddress* http = nullptr;
  const stream::ListenAddress* stream = nullptr;

  explicit operator bool() const { return http || stream; }
  bool is_encrypted() const { return http ? http->tls : stream && stream->tls; }
};

/// Where connections to `own` are served: that very address, or else the wildcard of its family and port.
Address find_address(const http::HttpConfig& http, const stream::StreamConfig& stream, const net::Endpoint& own);

/// The address of a connection that was accepted on `socket`, whose indices count the addresses of http and then those of
/// stream.
Address address_of(const http::HttpConfig& http, const stream::StreamConfig& stream, const ListeningSocket& socket,
                   int connection);

}  // namespace weir::server
