#include "net/tls_client.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <atomic>

#include "net/tls_context.h"
#include "net/tls_credential_cache.h"
#include "net/tls_key_log.h"
#include "net/tls_registry.h"
#include "net/tls_stream.h"

namespace weir::net {
namespace {

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

void TlsClient::resume(SSL* ssl, const std::string& peer) const {
  if (!options_.reuse_sessions) return;
  std::string encoded;
  {
    const std::lock_guard lock(mutex_);
    const auto known = sessions_.find(peer);
    if (known == sessions_.end()) return;
    encoded = known->second;
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(encoded.data());
  if (SSL_SESSION* const session = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(encoded.size()))) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
}

void TlsClient::keep_session(const std::string& peer, SSL_SESSION* session) const {
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0 || size > 16 * 1024) return;
  std::string encoded(static_cast<std::size_t>(size), '\0');
  auto* end = reinterpret_cast<unsigned char*>(encoded.data());
  i2d_SSL_SESSION(session, &end);
  const std::lock_guard lock(mutex_);
  // Names can come from requests: whatever they are, memory stays bounded.
  if (sessions_.size() >= kMostSessions && !sessions_.contains(peer)) sessions_.erase(sessions_.begin());
  sessions_[peer] = std::move(encoded);
}

void TlsClient::forget_session(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  sessions_.erase(peer);
}

std::string TlsTarget::state_of(const TlsKeyPair& pair) {
  static std::atomic<std::uint64_t> missing{0};
  std::string state;
  for (const std::string* path : {&pair.certificate, &pair.key}) {
    struct stat info{};
    if (path->empty() || path->starts_with("data:")) continue;
    if (::stat(path->c_str(), &info) != 0) {
      // What is shown of it is a copy that somebody kept: no two are known to be alike.
      state += std::to_string(missing.fetch_add(1, std::memory_order_relaxed));
      continue;
    }
    for (const auto part : {static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_size),
                            static_cast<std::uint64_t>(info.st_ctim.tv_sec), static_cast<std::uint64_t>(info.st_ctim.tv_nsec)})
      state.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  return state;
}

bool TlsTarget::fits(const Stream& stream) const {
  const auto* const encrypted = dynamic_cast<const TlsStream*>(&stream);
  return encrypted && encrypted->is_for(*this);
}

}  // namespace weir::net
