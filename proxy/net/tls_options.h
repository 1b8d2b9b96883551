// What a configuration says about TLS, in plain values: filled by features, read by TlsServer and TlsClient.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir::net {

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
  bool operator==(const TlsKeyPair&) const = default;
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

  bool operator==(const TlsOptions&) const = default;
};

/// Whether clients have to show a certificate.
enum class TlsVerify : std::uint8_t {
  Off,
  On,
  Optional,      // one that is shown must be good
  OptionalNoCa,  // who signed it does not matter
};

struct TlsServerOptions : TlsOptions {
  enum class Cache : std::uint8_t { None, Off, Builtin, Shared };

  bool prefer_server_ciphers = false;
  std::string curves = "auto";
  std::string dh_parameters;
  TlsVerify verify = TlsVerify::Off;
  std::string client_authorities;  // like `trusted`, and their names are sent to clients
  Cache cache = Cache::None;
  std::string cache_name;       // of a shared one: contexts that name it use it together
  std::size_t cache_bytes = 0;  // of a shared one; of the built-in one, how many sessions
  bool tickets = true;
  std::vector<std::string> ticket_keys;  // files; none: Weir makes keys itself and changes them
  std::chrono::seconds session_timeout{300};
  std::size_t record_size = 16 * 1024;  // most octets of plain text in one record
  bool early_data = false;
  std::string staple;                      // a file with an answer of the certificate's OCSP responder
  std::vector<std::string> alpn = {"http/1.1", "http/1.0", "http/0.9"};  // what may be negotiated, the best first
  bool reject = false;  // ends every handshake that comes to this server

  bool operator==(const TlsServerOptions&) const = default;
};

struct TlsClientOptions : TlsOptions {
  bool verify = false;
  bool reuse_sessions = true;
  bool operator==(const TlsClientOptions&) const = default;
};

}  // namespace weir::net
