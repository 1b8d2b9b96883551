// Virtual servers: which server block a request belongs to.
//
// Built while loading, immutable afterwards.
// Source: nginx's documentation of `server_name` and `listen`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/regex.h"
#include "http/location.h"
#include "http/shared.h"
#include "shared/listen.h"
#include "shared/server_names.h"

namespace weir::net {
class TlsServer;
}

namespace weir::http {

/// A `server { … }` block. Its own Location holds the settings, the server-wide handlers and the locations.
struct ServerBlock {
  std::vector<ServerName> names;
  std::string primary_name;  // the first one as written: `$server_name`
  Location root;             // match == Server; `nested` are the locations
  std::shared_ptr<net::TlsServer> tls;  // what it shows to clients that want TLS; null: nothing of its own
  config::Position at;
};

using ServerNames = shared::ServerNames<ServerBlock>;

/// What `listen` says about the socket, and the servers behind it.
struct ListenAddress : ListenSocket {
  const ServerBlock* default_server = nullptr;
  bool default_given = false;
  std::vector<const ServerBlock*> servers;
  ServerNames names;
};

}  // namespace weir::http
