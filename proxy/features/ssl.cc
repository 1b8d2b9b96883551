// ssl: what TLS towards clients (shared/tls_conf.h) means for virtual servers and requests.
#include <fmt/format.h>

#include <algorithm>

#include "features/scopes.h"
#include "http/exchange.h"
#include "net/tls_facts.h"
#include "shared/tls_conf.h"

namespace weir::http {

namespace {

using net::TlsVerify;

bool listens_with_tls(const HttpConfig& config, const ServerBlock& server) {
  return std::any_of(config.listens.begin(), config.listens.end(), [&](const auto& listen) {
    return listen->tls && std::find(listen->servers.begin(), listen->servers.end(), &server) != listen->servers.end();
  });
}

std::string place_of(const ServerBlock& server) {
  return fmt::format("{}:{}", server.at.file ? *server.at.file : "", server.at.line);
}

/// Every address for TLS needs a certificate for clients that name no known host, or the will to refuse them.
void check_listens(Loader& loader) {
  for (const auto& listen : loader.config.listens) {
    if (!listen->tls || !listen->default_server) continue;
    const auto conf_of = [](const ServerBlock* server) -> const TlsConf& { return server->root.settings.get<TlsConf>(); };
    const auto complain = [&](const ServerBlock& server) {
      loader.diagnostics.error(listen->at,
                               fmt::format("no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in {}",
                                           place_of(server)));
    };
    const TlsConf& own = conf_of(listen->default_server);
    if (!own.certificates->empty()) continue;
    if (!own.options->reject) {
      complain(*listen->default_server);
      continue;
    }
    for (const ServerBlock* server : listen->servers)
      if (conf_of(server).certificates->empty() && !conf_of(server).options->reject) complain(*server);
  }
}

void finish(config::Settings& settings, Loader& loader) {
  if (loader.location->match != Location::Match::Server) return;
  ServerBlock& server = *loader.server;
  const TlsConf& conf = settings.get<TlsConf>();
  if (listens_with_tls(loader.config, server) && (!conf.certificates->empty() || conf.options->reject))
    server.tls = make_tls_server(settings, loader, server.at);
  if (&server == loader.config.servers.back().get()) check_listens(loader);
}

// --- requests

bool judges_clients(const config::Settings& settings) { return settings.get<TlsConf>().options->verify != TlsVerify::Off; }

/// The client's certificate was looked at in the handshake; what follows from it is answered here, with a page.
PhaseResult judge_client(Exchange& exchange) {
  const TlsVerify wanted = exchange.conf<TlsConf>().options->verify;
  const net::TlsFacts* const tls = exchange.client().stream().tls();
  if (!tls) return PhaseResult::next();
  const auto refuse = [&exchange](int status, std::string_view why) {
    exchange.count_refusal(Refusal::Authentication);
    log::info(exchange.runtime().error_log(), exchange.subject(), "{}", why);
    return PhaseResult::respond(status);
  };
  // The certificate was judged by the rules of another server.
  if (!tls->server_name().empty() && exchange.server != exchange.client().connection().server)
    return refuse(421, "client attempted to request the server name different from the one that was negotiated");
  if (tls->verify_error() != 0)
    return refuse(495, fmt::format("client SSL certificate verify error: ({}:{})", tls->verify_error(),
                                   tls->verify_error_text()));
  if (wanted == TlsVerify::On && !tls->has_peer_certificate())
    return refuse(496, "client sent no required SSL certificate");
  return PhaseResult::next();
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PostRead, .enabled = judges_clients, .run = judge_client}};

}  // namespace

extern const Feature ssl;
const Feature ssl{.name = "ssl", .handlers = kHandlers, .finish = finish};

}  // namespace weir::http
