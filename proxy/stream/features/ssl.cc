// ssl: what TLS towards clients (shared/tls_conf.h) means for virtual servers.
#include <fmt/format.h>

#include <algorithm>

#include "net/tls_options.h"
#include "shared/tls_conf.h"
#include "stream/features/scopes.h"

namespace weir::stream {

namespace {

bool listens_with_tls(const StreamConfig& config, const ServerBlock& server) {
  return std::any_of(config.listens.begin(), config.listens.end(), [&](const auto& listen) {
    return listen->tls && std::find(listen->servers.begin(), listen->servers.end(), &server) != listen->servers.end();
  });
}

/// Every address for TLS needs a certificate for clients that name no known server, or the will to refuse them.
void check_listens(Loader& loader) {
  for (const auto& listen : loader.config.listens) {
    if (!listen->tls) continue;
    const ServerBlock& server = *listen->default_server;
    const TlsConf& conf = server.settings.get<TlsConf>();
    if (conf.certificates->empty() && !conf.options->reject)
      loader.diagnostics.error(listen->at,
                               fmt::format("no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in {}:{}",
                                           server.at.file ? *server.at.file : "", server.at.line));
  }
}

void finish(ServerBlock& server, Loader& loader) {
  const TlsConf& conf = server.settings.get<TlsConf>();
  if (listens_with_tls(loader.config, server) && (!conf.certificates->empty() || conf.options->reject))
    server.tls = make_tls_server(server.settings, loader, server.at);
  if (&server == loader.config.servers.back().get()) check_listens(loader);
}

}  // namespace

extern const Feature ssl;
const Feature ssl{.name = "ssl", .finish = finish};

}  // namespace weir::stream
