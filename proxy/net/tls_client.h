// TlsClient: what Weir shows to backends that want TLS, and what it demands of them.
//
// Configurations that say the same share one, also through reloads, so connections and sessions can be used again.
// Sessions belong to it, and to the name and the address they were made for. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

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
  /// Offers the backend a session it gave before, if there is one. `peer`: name and address.
  void resume(ssl_st* ssl, const std::string& peer) const;
  void keep_session(const std::string& peer, ssl_session_st* session) const;
  /// A session that did not lead to a connection.
  void forget_session(const std::string& peer) const;

 private:
  static constexpr std::size_t kMostSessions = 4096;

  const TlsClientOptions options_;
  std::shared_ptr<TlsKeeper> keeper_;
  const std::unique_ptr<TlsCredentialCache> credentials_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::string> sessions_;  // encoded, by peer
};

/// Whom a connection is for.
struct TlsTarget {
  std::shared_ptr<const TlsClient> client;
  std::string name;         // that the certificate must be for; without a port
  bool sends_name = false;  // SNI
  TlsKeyPair own;           // the certificate to show, where the client's vary; else empty
  std::string own_files;    // which files those were when it was chosen (state_of)
  std::vector<std::string> alpn;  // protocols to offer, of 1 to 255 octets; none: nothing is said of them
  std::string address;      // of the backend

  /// Whether `stream` is encrypted for just this.
  bool fits(const Stream& stream) const;
  /// What tells whether the files of a pair are still the same ones; empty if there are none.
  static std::string state_of(const TlsKeyPair& pair);
  /// What a session is kept under.
  std::string peer() const { return name + '|' + address + '|' + own.certificate; }
};

}  // namespace weir::net
