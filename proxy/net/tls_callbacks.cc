#include "net/tls_callbacks.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "net/tls_context.h"
#include "net/tls_replay_guard.h"
#include "net/tls_server.h"
#include "net/tls_session_cache.h"
#include "net/tls_stream.h"
#include "net/tls_ticket_keys.h"

namespace weir::net::tls_callbacks {
namespace {

using Store = TlsSessionStore::Kind;

TlsStream& stream_of(SSL* ssl) { return *static_cast<TlsStream*>(SSL_get_app_data(ssl)); }

/// The server whose context an SSL was made with: its cache and tickets hold, whichever server was chosen later,
/// because a session is looked up before or after that choice as the version has it.
const TlsServer& server_of_sessions(SSL* ssl) { return *stream_of(ssl).first_server(); }

// --- whom the client asks for

enum class Named { No, Yes, Malformed };

/// The host in a client's hello, in lower case.
Named read_server_name(SSL* ssl, std::string& name) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1) return Named::No;
  // RFC 6066 3: a list of names, of which one kind exists: length of the list, kind, length of the name, name.
  if (size < 5) return Named::Malformed;
  const std::size_t list = std::size_t{bytes[0]} << 8 | bytes[1];
  const std::size_t length = std::size_t{bytes[3]} << 8 | bytes[4];
  if (list + 2 != size || bytes[2] != TLSEXT_NAMETYPE_host_name || length + 5 > size || length == 0 ||
      length > TLSEXT_MAXLEN_host_name)
    return Named::Malformed;
  name.assign(reinterpret_cast<const char*>(bytes) + 5, length);
  // A name that no request could have; OpenSSL ends the handshake for a NUL by itself.
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '/'; }))
    return Named::Malformed;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.ends_with('.')) name.pop_back();
  return Named::Yes;
}

int on_client_hello(SSL* ssl, int* alert, void*) {
  std::string name;
  if (read_server_name(ssl, name) == Named::Malformed) {
    *alert = SSL_AD_DECODE_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (stream_of(ssl).choose_server(std::move(name))) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_CLIENT_HELLO_ERROR;
}

// The choice was made above; this tells the client that its name was heeded.
int on_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

int on_certificate(SSL* ssl, void*) { return stream_of(ssl).load_certificates() ? 1 : 0; }

int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
            unsigned int offered_size, void*) {
  for (const std::string& ours : stream_of(ssl).server()->options().alpn) {
    for (unsigned int at = 0; at < offered_size && at + 1 + offered[at] <= offered_size; at += 1 + offered[at]) {
      if (offered[at] != ours.size() || std::memcmp(offered + at + 1, ours.data(), ours.size()) != 0) continue;
      *chosen = offered + at + 1;
      *size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// --- sessions

bool is_stateless(SSL* ssl) {
  return SSL_version(ssl) == TLS1_3_VERSION && (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  TlsSessionCache* const cache = server_of_sessions(ssl).sessions().get();
  // Such a session travels in its ticket.
  if (!cache || is_stateless(ssl)) return 0;
  unsigned int id_size = 0;
  const unsigned char* const id = SSL_SESSION_get_id(session, &id_size);
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0 || size > 16 * 1024) return 0;
  std::string encoded(static_cast<std::size_t>(size), '\0');
  auto* end = reinterpret_cast<unsigned char*>(encoded.data());
  i2d_SSL_SESSION(session, &end);
  cache->put({reinterpret_cast<const char*>(id), id_size}, std::move(encoded),
             std::chrono::seconds(SSL_SESSION_get_timeout(session)));
  return 0;  // no reference is kept
}

SSL_SESSION* on_get_session(SSL* ssl, const unsigned char* id, int id_size, int* copy) {
  *copy = 0;
  TlsSessionCache* const cache = server_of_sessions(ssl).sessions().get();
  if (!cache) return nullptr;
  const std::string encoded = cache->get({reinterpret_cast<const char*>(id), static_cast<std::size_t>(id_size)});
  const auto* bytes = reinterpret_cast<const unsigned char*>(encoded.data());
  return encoded.empty() ? nullptr : d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(encoded.size()));
}

// A context can outlive its server (connections hold it), so it has a share of the cache for itself.
using CacheShare = std::shared_ptr<TlsSessionCache>;

void free_share(void*, void* share, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<CacheShare*>(share); }

int share_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_share);
  return index;
}

void on_remove_session(SSL_CTX* context, SSL_SESSION* session) {
  const auto* const share = static_cast<const CacheShare*>(SSL_CTX_get_ex_data(context, share_index()));
  unsigned int size = 0;
  const unsigned char* const id = SSL_SESSION_get_id(session, &size);
  (*share)->remove({reinterpret_cast<const char*>(id), size});
}

// --- early data

/// Hellos of all contexts: which of them a replayed one comes to is its sender's choice.
int on_early_data(SSL* ssl, void*) {
  static TlsReplayGuard guard;
  std::array<unsigned char, SSL3_RANDOM_SIZE> random{};
  SSL_get_client_random(ssl, random.data(), random.size());
  return guard.is_new(random) ? 1 : 0;
}

void install_early_data(SSL_CTX* context) {
  // OpenSSL's own guard needs every session in a cache; sessions here travel in tickets.
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
  SSL_CTX_set_allow_early_data_cb(context, on_early_data, nullptr);
  SSL_CTX_set_max_early_data(context, kTlsRecord);
}

// --- tickets

struct Ciphers {
  EVP_CIPHER* aes128 = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  EVP_CIPHER* aes256 = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
};

bool set_keys(const TlsTicketKey& key, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool encrypt) {
  static const Ciphers ciphers;  // fetched once: each use by name costs a search
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac_key.data()),
                                        key.key_bytes),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  EVP_CIPHER* const aes = key.key_bytes == 16 ? ciphers.aes128 : ciphers.aes256;
  return EVP_CipherInit_ex(cipher, aes, nullptr, key.cipher_key.data(), iv, encrypt ? 1 : 0) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int on_ticket(SSL* ssl, unsigned char name[16], unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int encrypt) {
  TlsTicketKeys* const keys = server_of_sessions(ssl).ticket_keys();
  if (!keys) return 0;
  if (encrypt) {
    const auto key = keys->newest();
    if (!key || RAND_bytes(iv, 16) != 1) return -1;
    std::memcpy(name, key->name.data(), 16);
    return set_keys(*key, iv, cipher, mac, true) ? 1 : -1;
  }
  const auto found = keys->find(std::span<const unsigned char, 16>(name, 16));
  if (!found) return 0;
  if (!set_keys(found->key, iv, cipher, mac, false)) return -1;
  // In TLS 1.3 a client gets a new ticket with each session anyway, and should use each but once.
  return found->is_newest && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

void install_sessions(SSL_CTX* context, const TlsServerOptions& options,
                      const std::shared_ptr<TlsSessionCache>& sessions) {
  SSL_CTX_set_timeout(context, options.session_timeout.count());
  if (!options.tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  switch (options.session_store.kind) {
    case Store::Off: SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); break;
    case Store::None:
      // Clients are told that they may come back, and nothing is kept.
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE |
                                                  SSL_SESS_CACHE_NO_AUTO_CLEAR);
      SSL_CTX_sess_set_cache_size(context, 1);
      break;
    case Store::Builtin:
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
      if (options.session_store.size != 0) SSL_CTX_sess_set_cache_size(context, static_cast<long>(options.session_store.size));
      break;
    case Store::Shared:
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
      SSL_CTX_sess_set_new_cb(context, on_new_session);
      SSL_CTX_sess_set_get_cb(context, on_get_session);
      SSL_CTX_set_ex_data(context, share_index(), new CacheShare(sessions));
      SSL_CTX_sess_set_remove_cb(context, on_remove_session);
      break;
  }
  const bool can_resume = options.tickets || options.session_store.kind == Store::Builtin || options.session_store.kind == Store::Shared;
  if (!can_resume) SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace

int keep_verdict(int, X509_STORE_CTX*) { return 1; }

void install(SSL_CTX* context, const TlsServerOptions& options, const std::shared_ptr<TlsSessionCache>& sessions) {
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  if (!options.alpn.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  if (options.certificates_vary) SSL_CTX_set_cert_cb(context, on_certificate, nullptr);
  install_sessions(context, options, sessions);
  if (options.early_data) install_early_data(context);
}

}  // namespace weir::net::tls_callbacks
