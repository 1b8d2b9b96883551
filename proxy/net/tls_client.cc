#include "net/tls_client.h"

#include <openssl/ssl.h>

#include <mutex>
#include <unordered_map>

#include "net/tls_context.h"
#include "net/tls_credential_cache.h"
#include "net/tls_key_log.h"
#include "net/tls_registry.h"
#include "net/tls_stream.h"

namespace weir::net {
namespace {

/// Sessions, encoded, by peer. They belong to the context that they were made under, and are gone with it: a session is not
/// judged again, so it must not outlive what it was judged by.
class Sessions {
 public:
  std::string get(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    const auto known = by_peer_.find(peer);
    return known == by_peer_.end() ? std::string() : known->second;
  }
  void put(const std::string& peer, std::string encoded) {
    const std::lock_guard lock(mutex_);
    // Names can come from requests: whatever they are, memory stays bounded.
    if (by_peer_.size() >= kMost && !by_peer_.contains(peer)) by_peer_.erase(by_peer_.begin());
    by_peer_[peer] = std::move(encoded);
  }
  void forget(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    by_peer_.erase(peer);
  }

 private:
  static constexpr std::size_t kMost = 4096;

  std::mutex mutex_;
  std::unordered_map<std::string, std::string> by_peer_;
};

void free_sessions(void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Sessions*>(sessions); }

int sessions_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_sessions);
  return index;
}

/// Null: none are kept.
Sessions* sessions_of(const SSL* ssl) {
  return static_cast<Sessions*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), sessions_index()));
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsStream*>(SSL_get_app_data(ssl))->keep_session(session);
  return 0;  // no reference is kept
}

TlsKeeper::Content load(const TlsClientOptions& options) {
  ContextPtr context = make_context(TLS_client_method(), options);
  SSL_CTX* const ctx = context.get();
  const std::vector<TlsCredential> credentials = use_credentials(ctx, options);
  use_trust(ctx, options);
  // A backend that fails the check is told so and sees nothing of the request.
  SSL_CTX_set_verify(ctx, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_verify_depth(ctx, static_cast<int>(options.verify_depth));
  if (options.reuse_sessions) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_set_ex_data(ctx, sessions_index(), new Sessions);
  } else {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  }
  if (options.key_log) TlsKeyLog::use(ctx, options.key_log);
  use_commands(ctx, options);
  return {context.release(), first_to_end(credentials)};
}

}  // namespace

TlsClient::TlsClient(const TlsClientOptions& options)
    : options_(options), keeper_(TlsKeeper::make(FileStamps::paths_of(options), [options] { return load(options); })),
      credentials_(std::make_unique<TlsCredentialCache>(options)) {}

TlsClient::~TlsClient() = default;

std::shared_ptr<const TlsClient> TlsClient::with(const TlsClientOptions& options) {
  static TlsRegistry<TlsClient> all;
  return all.get(options);
}

SSL* TlsClient::make_ssl() const {
  const ContextPtr context(keeper_->context());
  return SSL_new(context.get());
}

std::shared_ptr<const TlsCredential> TlsClient::credential(const TlsKeyPair& pair) const { return credentials_->get(pair); }

bool TlsClient::is_in_force(const SSL* ssl) const { return keeper_->has(SSL_get_SSL_CTX(ssl)); }

void TlsClient::resume(SSL* ssl, const std::string& peer) {
  Sessions* const sessions = sessions_of(ssl);
  const std::string encoded = sessions ? sessions->get(peer) : std::string();
  if (encoded.empty()) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(encoded.data());
  if (SSL_SESSION* const session = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(encoded.size()))) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
}

void TlsClient::keep_session(const SSL* ssl, const std::string& peer, SSL_SESSION* session) {
  Sessions* const sessions = sessions_of(ssl);
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (!sessions || size <= 0 || size > 16 * 1024) return;
  std::string encoded(static_cast<std::size_t>(size), '\0');
  auto* end = reinterpret_cast<unsigned char*>(encoded.data());
  i2d_SSL_SESSION(session, &end);
  sessions->put(peer, std::move(encoded));
}

void TlsClient::forget_session(const SSL* ssl, const std::string& peer) {
  if (Sessions* const sessions = sessions_of(ssl)) sessions->forget(peer);
}

bool TlsTarget::fits(const Stream& stream) const {
  const auto* const encrypted = dynamic_cast<const TlsStream*>(&stream);
  return encrypted && encrypted->is_for(*this);
}

}  // namespace weir::net
