// An SSL_CTX, and what both roles put into it. Private to this folder's TLS parts.
#pragma once

#include <sys/stat.h>

#include <span>
#include <string>
#include <vector>

#include "net/tls_files.h"
#include "net/tls_keeper.h"

namespace weir::net {

using ContextPtr = std::unique_ptr<SSL_CTX, TlsDeleter<SSL_CTX_free>>;

/// A context for `method` with versions, ciphers and modes; certificates are the caller's. Throws TlsConfigError.
ContextPtr make_context(const SSL_METHOD* method, const TlsOptions& options);
/// Does what ssl_conf_command says: after everything else, so that it has the last word. Throws TlsConfigError.
void use_commands(SSL_CTX* context, const TlsOptions& options);

/// Loads all pairs of the options and gives them to the context, unless they vary. Throws TlsConfigError.
std::vector<TlsCredential> use_credentials(SSL_CTX* context, const TlsOptions& options);
/// Which of the certificates ends first.
std::optional<TlsKeeper::Ending> first_to_end(std::span<const TlsCredential> credentials);
/// Gives the context a certificate with its chain and key (one of each kind may be given).
void use_credential(SSL_CTX* context, const TlsCredential& credential);
/// The same for one connection.
bool use_credential(SSL* ssl, const TlsCredential& credential);

/// Trusted certificates and revocation lists of the options. `more`: another file of trusted ones, or empty.
void use_trust(SSL_CTX* context, const TlsOptions& options, const std::string& more = {});

/// What tells whether files have changed: the identity, size and times of each.
class FileStamps {
 public:
  explicit FileStamps(std::vector<std::string> paths) : paths_(std::move(paths)), seen_(look()) {}
  /// Whether anything differs from what was seen last.
  bool changed();
  /// The paths among `options` that name files.
  static std::vector<std::string> paths_of(const TlsOptions& options);

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{}, status_changed{};
    bool operator==(const Stamp& other) const;
  };
  std::vector<Stamp> look() const;

  std::vector<std::string> paths_;
  std::vector<Stamp> seen_;
};

}  // namespace weir::net
