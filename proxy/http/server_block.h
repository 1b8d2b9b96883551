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

namespace weir::net {
class TlsServer;
}

namespace weir::http {

class Exchange;

/// One name of a `server_name` directive.
struct ServerName {
  enum class Kind : std::uint8_t { Exact, LeadingWildcard, TrailingWildcard, Regex } kind = Kind::Exact;
  std::string text;  // lower case; of a wildcard the part that must match, such as `.example.com` or `www.example.`
  config::Regex regex;
  bool matches_bare = false;  // `.example.com` stands for `example.com` too
};

/// A `server { … }` block. Its own Location holds the settings, the server-wide handlers and the locations.
struct ServerBlock {
  std::vector<ServerName> names;
  std::string primary_name;  // the first one as written: `$server_name`
  Location root;             // match == Server; `nested` are the locations
  std::shared_ptr<net::TlsServer> tls;  // what it shows to clients that want TLS; null: nothing of its own
  config::Position at;
};

/// The names of all servers that share one listening address.
class ServerNames {
 public:
  /// Adds a server's names. Returns the name that another server of this address has already, or an empty text.
  std::string add(const ServerBlock& server);

  /// The server for `host` (lower case, no port, no trailing dot): exact name, longest leading wildcard, longest
  /// trailing wildcard, first regular expression; nullptr if none. Captures go to `exchange`.
  const ServerBlock* find(std::string_view host, Exchange& exchange) const;
  /// The same where there is no exchange yet: captures go nowhere.
  const ServerBlock* find(std::string_view host) const;

 private:
  const ServerBlock* find_plain(std::string_view host) const;

  using Table = std::map<std::string, const ServerBlock*, std::less<>>;
  Table exact_;
  Table leading_;   // `.example.com` → matches any host that ends so
  Table trailing_;  // `www.example.` → matches any host that begins so
  std::vector<std::pair<const config::Regex*, const ServerBlock*>> regexes_;
};

/// What `listen` says about the socket, and the servers behind it.
struct ListenAddress : ListenSocket {
  const ServerBlock* default_server = nullptr;
  bool default_given = false;
  std::vector<const ServerBlock*> servers;
  ServerNames names;
};

}  // namespace weir::http
