// What OpenSSL asks back during a server's handshake. Private to this folder's TLS parts.
#pragma once

#include <openssl/ssl.h>

#include <memory>

namespace weir::net {

class TlsSessionCache;
struct TlsServerOptions;
}

namespace weir::net::tls_callbacks {

/// Sets everything for a context with these options. `sessions`: the shared cache, or null.
void install(SSL_CTX* context, const TlsServerOptions& options, const std::shared_ptr<TlsSessionCache>& sessions);

/// A verification callback that lets the handshake go on: the verdict is looked at afterwards.
int keep_verdict(int good, X509_STORE_CTX* store);

}  // namespace weir::net::tls_callbacks
