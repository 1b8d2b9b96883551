// What a configuration says about TLS, in plain values: filled by features, read by TlsServer and TlsClient.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/resolver.h"

namespace weir::net {

class TlsKeyLog;

/// A certificate, key or parameter cannot be used. The text is for the user: which file, and what OpenSSL said.
class TlsConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Versions, as bits.
namespace tls_version {
inline constexpr std::uint32_t kSsl3 = 1, kTls10 = 2, kTls11 = 4, kTls12 = 8, kTls13 = 16;
}

/// A certificate with its chain, and its key: paths, or `data:` and the PEM text itself.
struct TlsKeyPair {
  std::string certificate, key;
  /// What tells whether the files are still the same ones; empty if there are none.
  std::string files_state() const;
  bool operator==(const TlsKeyPair&) const = default;
};

/// Who is asked for the addresses of OCSP responders; nobody: the system.
struct TlsResponderNames {
  std::shared_ptr<const Resolver::Options> resolver;
  std::chrono::milliseconds timeout{30'000};
  bool operator==(const TlsResponderNames& other) const;
};

/// How long what was loaded of certificates that vary is used again (`…_certificate_cache`).
struct TlsCredentialCacheOptions {
  std::size_t most = 0;  // pairs; 0: none is kept
  std::chrono::seconds inactive{10};
  std::chrono::seconds valid{60};
  bool operator==(const TlsCredentialCacheOptions&) const = default;
};

/// What both sides have in common. Paths are absolute; empty: not given.
struct TlsOptions {
  std::vector<TlsKeyPair> certificates;
  std::vector<std::string> passwords;  // tried one after the other for keys that are encrypted
  std::uint32_t versions = tls_version::kTls12 | tls_version::kTls13;
  std::string ciphers;       // of TLS 1.2 and below, as OpenSSL writes them
  std::string trusted;       // certificates that a peer's chain may end in
  std::string revoked;       // revocation lists
  std::uint32_t verify_depth = 1;
  std::vector<std::pair<std::string, std::string>> commands;  // ssl_conf_command
  std::string directory;  // that paths in commands are relative to
  /// Certificates are chosen for each handshake; `certificates` then holds their templates, which only tell one
  /// configuration's sessions from another's.
  bool certificates_vary = false;
  TlsCredentialCacheOptions credential_cache;  // of such
  std::shared_ptr<TlsKeyLog> key_log;  // where the keys of connections are written; null: nowhere

  bool operator==(const TlsOptions&) const = default;
};

/// Whether clients have to show a certificate.
enum class TlsVerify : std::uint8_t {
  Off,
  On,
  Optional,      // one that is shown must be good
  OptionalNoCa,  // who signed it does not matter
};

/// Where sessions are kept that clients may come back with.
struct TlsSessionStore {
  enum class Kind : std::uint8_t { None, Off, Builtin, Shared };

  Kind kind = Kind::None;
  std::string name;      // of a shared one: contexts that name it use it together
  std::size_t size = 0;  // bytes of a shared one; of the built-in one, how many sessions
  bool operator==(const TlsSessionStore&) const = default;
};

/// Which certificates of a client's chain OCSP responders are asked about.
enum class TlsOcsp : std::uint8_t { Off, Leaf, Chain };

struct TlsServerOptions : TlsOptions {
  TlsServerOptions() { ciphers = "HIGH:!aNULL:!MD5"; }

  bool prefer_server_ciphers = false;
  std::string curves = "auto";
  std::string dh_parameters;
  TlsVerify verify = TlsVerify::Off;
  std::string client_authorities;  // like `trusted`, and their names are sent to clients
  TlsSessionStore session_store;
  bool tickets = true;
  std::vector<std::string> ticket_keys;  // files; none: Weir makes keys itself and changes them
  std::chrono::seconds session_timeout{300};
  std::size_t record_size = 16 * 1024;  // most octets of plain text in one record
  bool early_data = false;
  bool stapling = false;       // clients that ask are told what an OCSP responder says
  std::string staple;          // a file with its answer; empty: it is asked
  std::string responder;       // its URL; empty: as the certificate says
  bool staple_verify = false;  // only what somebody trusted has signed is passed on
  TlsOcsp ocsp = TlsOcsp::Off;
  std::string ocsp_responder;    // its URL; empty: as the certificates say
  TlsSessionStore ocsp_cache;    // a shared one, or none
  TlsResponderNames responder_names;
  std::vector<std::string> alpn;  // what may be negotiated, the best first; empty: whatever clients want
  bool reject = false;  // ends every handshake that comes to this server

  bool operator==(const TlsServerOptions&) const = default;
};

struct TlsClientOptions : TlsOptions {
  TlsClientOptions() { ciphers = "DEFAULT"; }

  bool verify = false;
  bool reuse_sessions = true;
  bool operator==(const TlsClientOptions&) const = default;
};

}  // namespace weir::net
