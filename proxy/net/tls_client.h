// TlsClient: what Weir shows to backends that want TLS, and what it demands of them.
//
// Configurations that say the same share one, also through reloads, so connections and sessions can be used again.
// Sessions belong to it, to the files that it had, and to the name and the address they were made for. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/tls_options.h"

struct ssl_st;
struct ssl_session_st;

namespace weir::net {

class Stream;
class TlsCredentialCache;
class TlsKeeper;
struct TlsCredential;

class TlsClient {
 public:
  /// The client with these options, made if there is none. Throws TlsConfigError.
  static std::shared_ptr<const TlsClient> with(const TlsClientOptions& options);
  explicit TlsClient(const TlsClientOptions& options);
  TlsClient(const TlsClient&) = delete;
  ~TlsClient();

  const TlsClientOptions& options() const { return options_; }
  TlsKeeper& keeper() const { return *keeper_; }

  /// The pair to show, where they vary. Throws TlsConfigError.
  std::shared_ptr<const TlsCredential> credential(const TlsKeyPair& pair) const;

  /// A new connection's SSL; null when memory runs out.
  ssl_st* make_ssl() const;
  /// Whether the connection was made under the files that are in force now.
  bool is_in_force(const ssl_st* ssl) const;

  /// Offers the backend a session that it gave before under the same files, if there is one. `peer`: name and address.
  static void resume(ssl_st* ssl, const std::string& peer);
  static void keep_session(const ssl_st* ssl, const std::string& peer, ssl_session_st* session);
  /// A session that did not lead to a connection.
  static void forget_session(const ssl_st* ssl, const std::string& peer);

 private:
  const TlsClientOptions options_;
  std::shared_ptr<TlsKeeper> keeper_;
  const std::unique_ptr<TlsCredentialCache> credentials_;
};

/// Whom a connection is for.
struct TlsTarget {
  std::shared_ptr<const TlsClient> client;
  std::string name;         // that the certificate must be for; without a port
  bool sends_name = false;  // SNI
  TlsKeyPair own;           // the certificate to show, where the client's vary; else empty
  std::string own_files;    // which files those are; of a connection: which they were when they were loaded
  std::vector<std::string> alpn;  // protocols to offer, of 1 to 255 octets; none: nothing is said of them
  std::string address;      // of the backend

  /// Whether `stream` is encrypted for just this.
  bool fits(const Stream& stream) const;
  /// What a session is kept under.
  std::string peer() const { return name + '|' + address + '|' + own.certificate + '|' + own_files; }
};

}  // namespace weir::net
