// Virtual servers of stream, and the addresses they listen on. Built while loading, immutable afterwards.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "config/statement.h"
#include "shared/listen.h"
#include "shared/server_names.h"
#include "stream/feature.h"

namespace weir::net {
class TlsServer;
}

namespace weir::stream {

/// The handlers that are switched on in one server, by phase, in order.
class Chain {
 public:
  void build(std::span<const Feature* const> features, const config::Settings& settings);
  std::span<const PhaseHandler> handlers(Phase phase) const { return phases_[static_cast<std::size_t>(phase)]; }

 private:
  std::array<std::vector<PhaseHandler>, kPhases> phases_;
};

/// A `server { … }` block.
struct ServerBlock {
  std::vector<ServerName> names;
  std::string primary_name;  // the first one as written
  config::Settings settings;
  Chain chain;
  std::shared_ptr<net::TlsServer> tls;  // what it shows to clients that want TLS; null: nothing of its own
  config::Position at;
};

struct ListenAddress : ListenSocket {
  bool datagrams = false;  // `udp`
  const ServerBlock* default_server = nullptr;
  bool default_given = false;
  std::vector<const ServerBlock*> servers;
  shared::ServerNames<ServerBlock> names;
};

}  // namespace weir::stream
