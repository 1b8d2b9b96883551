// TlsServer: what one virtual server shows to clients that want TLS: certificates, ciphers, whom it trusts.
//
// Made while a configuration loads, used by all workers. Its options never change; its files may (TlsKeeper).
// Configurations that say the same share one, so a reload loads only what is new. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_options.h"

struct ssl_st;

namespace weir::net {

class OcspAsker;
class TlsClientStatus;
class TlsCredentialCache;
class TlsKeeper;
class TlsSessionCache;
class TlsStream;
class TlsTicketKeys;
struct TlsCredential;

class TlsServer {
 public:
  /// The server with these options, made if there is none in use. Throws TlsConfigError.
  static std::shared_ptr<TlsServer> with(const TlsServerOptions& options);
  /// Loads everything that `options` names. Throws TlsConfigError.
  explicit TlsServer(TlsServerOptions options);
  TlsServer(const TlsServer&) = delete;
  ~TlsServer();

  const TlsServerOptions& options() const { return *options_; }
  TlsKeeper& keeper() const { return *keeper_; }

  /// A new connection's SSL. Null when memory runs out.
  ssl_st* make_ssl() const;
  /// Lets an SSL whose client's hello is being read go on with this server's certificates and settings.
  bool take_over(ssl_st* ssl) const;
  /// Binds the session of an SSL, which has this server's settings, to the name that its client asks for.
  static bool bind_session(ssl_st* ssl, std::string_view name);

  /// Whether some server so far took early data: whose handshake may begin with it is known only when the hello is read.
  static bool early_data_is_known() { return early_data_is_known_.load(std::memory_order_relaxed); }

  /// The pair for a handshake, where certificates vary. Throws TlsConfigError.
  std::shared_ptr<const TlsCredential> credential(const TlsKeyPair& pair) const;

  /// Who asks about the certificates of clients; null: nobody does.
  const TlsClientStatus* client_status() const { return client_status_.get(); }

  TlsTicketKeys* ticket_keys() const { return ticket_keys_.get(); }
  const std::shared_ptr<TlsSessionCache>& sessions() const { return sessions_; }

 private:
  static inline std::atomic<bool> early_data_is_known_ = false;

  const std::shared_ptr<const TlsServerOptions> options_;
  std::shared_ptr<TlsSessionCache> sessions_;
  std::shared_ptr<TlsTicketKeys> ticket_keys_;
  std::shared_ptr<TlsKeeper> keeper_;
  const std::unique_ptr<TlsCredentialCache> credentials_;
  std::unique_ptr<const TlsClientStatus> client_status_;
};

/// Answers what a handshake asks; lives until it is over.
class TlsAcceptor {
 public:
  /// The server for a client that asks for `name` (lower case, no dot at its end; empty: it asked for none).
  /// Null: there is none, the handshake ends.
  virtual std::shared_ptr<const TlsServer> choose(std::string_view name) = 0;
  /// The pairs for this handshake, where a server's certificates vary.
  virtual std::vector<TlsKeyPair> certificates(TlsStream& stream, const TlsServer& server) = 0;
  /// Who can ask OCSP responders about the client's certificate.
  virtual OcspAsker& responders() = 0;

 protected:
  ~TlsAcceptor() = default;
};

}  // namespace weir::net
