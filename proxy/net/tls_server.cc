#include "net/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/tls_callbacks.h"
#include "net/tls_client_status.h"
#include "net/tls_context.h"
#include "net/tls_credential_cache.h"
#include "net/tls_error.h"
#include "net/tls_key_log.h"
#include "net/tls_registry.h"
#include "net/tls_session_cache.h"
#include "net/tls_staple.h"
#include "net/tls_ticket_keys.h"

namespace weir::net {
namespace {

std::vector<std::string> watched(const TlsServerOptions& options) {
  std::vector<std::string> paths = FileStamps::paths_of(options);
  for (const std::string* path : {&options.client_authorities, &options.staple, &options.dh_parameters})
    if (!path->empty()) paths.push_back(*path);
  paths.insert(paths.end(), options.ticket_keys.begin(), options.ticket_keys.end());
  return paths;
}

/// Whether two ask for names alike, wherever they were configured.
bool same_resolver(const Resolver::Options* a, const Resolver::Options* b) {
  if (a == b || !a || !b) return a == b;
  return a->servers == b->servers && a->ipv4 == b->ipv4 && a->ipv6 == b->ipv6 && a->valid == b->valid && a->resend == b->resend;
}

constexpr std::size_t kMostTrust = 8u << 20;

/// What sessions of a context are bound to; OpenSSL does not give back what it was told.
using SessionBinding = std::array<unsigned char, 32>;

void free_binding(void*, void* binding, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<SessionBinding*>(binding); }

int binding_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_binding);
  return index;
}

/// Binds sessions to what they were made under: nobody may come back with one to a server that shows other
/// certificates or judges clients otherwise.
void bind_sessions(SSL_CTX* context, const TlsServerOptions& options, std::span<const TlsCredential> credentials,
                   std::span<const X509Ptr> authorities) {
  EVP_MD_CTX* const digest = EVP_MD_CTX_new();
  unsigned char id[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  bool good = EVP_DigestInit_ex(digest, EVP_sha256(), nullptr) == 1;
  const auto add = [&](const void* bytes, std::size_t count) { good = good && EVP_DigestUpdate(digest, bytes, count) == 1; };
  const auto add_certificate = [&](const X509* certificate) {
    unsigned char own[EVP_MAX_MD_SIZE];
    unsigned int own_size = 0;
    good = good && X509_digest(certificate, EVP_sha256(), own, &own_size) == 1;
    add(own, own_size);
  };
  const unsigned char judged[] = {static_cast<unsigned char>(options.verify),
                                  static_cast<unsigned char>(options.verify_depth)};
  add(judged, sizeof judged);
  for (const TlsCredential& credential : credentials) add_certificate(credential.leaf.get());
  if (options.certificates_vary)
    for (const TlsKeyPair& pair : options.certificates) add(pair.certificate.data(), pair.certificate.size());
  if (options.verify != TlsVerify::Off) {
    for (const X509Ptr& authority : authorities) add_certificate(authority.get());
    // What is in the files, not their names: somebody may have been let in by what they do not say any more.
    for (const std::string* path : {&options.trusted, &options.revoked}) {
      const std::string content = path->empty() ? std::string() : read_small_file(*path, kMostTrust);
      const std::uint64_t length = content.size();
      add(&length, sizeof length);
      add(content.data(), content.size());
    }
  }
  good = good && EVP_DigestFinal_ex(digest, id, &size) == 1;
  EVP_MD_CTX_free(digest);
  static_assert(sizeof(SessionBinding) == SSL_MAX_SID_CTX_LENGTH);
  if (!good || size != sizeof(SessionBinding) || SSL_CTX_set_session_id_context(context, id, size) != 1)
    fail_tls("SSL_CTX_set_session_id_context() failed");
  auto binding = std::make_unique<SessionBinding>();
  std::copy_n(id, size, binding->begin());
  SSL_CTX_set_ex_data(context, binding_index(), binding.release());
}

/// Whether clients are told already that certificates of an authority with this name are taken.
bool announces(const SSL_CTX* context, const X509* authority) {
  const STACK_OF(X509_NAME)* const known = SSL_CTX_get_client_CA_list(context);
  for (int i = 0; i < sk_X509_NAME_num(known); ++i)
    if (X509_NAME_cmp(sk_X509_NAME_value(known, i), X509_get_subject_name(authority)) == 0) return true;
  return false;
}

std::vector<X509Ptr> use_client_trust(SSL_CTX* context, const TlsServerOptions& options) {
  use_trust(context, options, options.client_authorities);
  std::vector<X509Ptr> authorities;
  if (!options.client_authorities.empty()) {
    authorities = load_certificates(options.client_authorities);
    for (const X509Ptr& authority : authorities)
      if (!announces(context, authority.get()) && SSL_CTX_add_client_CA(context, authority.get()) != 1)
        fail_tls("SSL_CTX_add_client_CA() failed");
  }
  if (options.verify != TlsVerify::Off) {
    // The verdict is kept for the request, which is refused with a page that says why.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, tls_callbacks::keep_verdict);
    SSL_CTX_set_verify_depth(context, static_cast<int>(options.verify_depth));
  }
  return authorities;
}

void use_key_exchange(SSL_CTX* context, const TlsServerOptions& options) {
  if (options.curves != "auto" && SSL_CTX_set1_groups_list(context, options.curves.c_str()) != 1)
    fail_tls("the curves \"" + options.curves + "\" cannot be used");
  if (options.dh_parameters.empty()) return;
  KeyPtr parameters = load_dh(options.dh_parameters);
  if (SSL_CTX_set0_tmp_dh_pkey(context, parameters.get()) != 1) fail_tls("SSL_CTX_set0_tmp_dh_pkey() failed");
  parameters.release();
}

TlsKeeper::Content load(const TlsServerOptions& options, const std::shared_ptr<TlsSessionCache>& sessions,
                        TlsTicketKeys& ticket_keys) {
  ContextPtr context = make_context(TLS_server_method(), options);
  SSL_CTX* const ctx = context.get();
  const std::vector<TlsCredential> credentials = use_credentials(ctx, options);
  const std::vector<X509Ptr> authorities = use_client_trust(ctx, options);
  use_key_exchange(ctx, options);
  // Who ends without a goodbye of TLS is still to be answered: OpenSSL would take it for a failure of the connection.
  SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (options.prefer_server_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  bind_sessions(ctx, options, credentials, authorities);
  tls_callbacks::install(ctx, options, sessions);
  if (options.key_log) TlsKeyLog::use(ctx, options.key_log);
  std::vector<std::string> remarks = use_staples(ctx, options, credentials);
  use_commands(ctx, options);
  // OpenSSL's default, where there was no ticket to give and now there is.
  if (!options.tickets && (SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET) == 0) SSL_CTX_set_num_tickets(ctx, 2);
  const auto ending = first_to_end(credentials);
  // Last: they are of all contexts of the server, the one that is in force among them.
  if (!options.ticket_keys.empty()) ticket_keys.load(options.ticket_keys);
  return {context.release(), ending, std::move(remarks)};
}

}  // namespace

bool TlsResponderNames::operator==(const TlsResponderNames& other) const {
  return same_resolver(resolver.get(), other.resolver.get()) && timeout == other.timeout;
}

TlsServer::TlsServer(TlsServerOptions options)
    : options_(std::make_shared<const TlsServerOptions>(std::move(options))),
      credentials_(std::make_unique<TlsCredentialCache>(*options_)) {
  if (options_->early_data) early_data_is_known_ = true;
  if (options_->session_store.kind == TlsSessionStore::Kind::Shared)
    sessions_ = TlsSessionCache::named(options_->session_store.name, options_->session_store.size);
  // Also with `ssl_session_tickets off`: a command may turn them on.
  ticket_keys_ = options_->ticket_keys.empty() ? TlsTicketKeys::of_process(options_->session_timeout)
                                               : std::make_shared<TlsTicketKeys>();
  if (options_->ocsp != TlsOcsp::Off && options_->verify != TlsVerify::Off)
    client_status_ = std::make_unique<const TlsClientStatus>(*options_);
  // By value: the keeper may be busy when this server goes.
  keeper_ = TlsKeeper::make(watched(*options_),
                            [options = options_, sessions = sessions_, ticket_keys = ticket_keys_] {
                              return load(*options, sessions, *ticket_keys);
                            });
}

TlsServer::~TlsServer() = default;

std::shared_ptr<TlsServer> TlsServer::with(const TlsServerOptions& options) {
  static TlsRegistry<TlsServer> all;
  return all.get(options);
}

std::shared_ptr<const TlsCredential> TlsServer::credential(const TlsKeyPair& pair) const { return credentials_->get(pair); }

SSL* TlsServer::make_ssl() const {
  const ContextPtr context(keeper_->context());
  return SSL_new(context.get());
}

bool TlsServer::bind_session(SSL* ssl, std::string_view name) {
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const auto* const binding = static_cast<const SessionBinding*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), binding_index()));
  std::array<unsigned char, sizeof(SessionBinding) + TLSEXT_MAXLEN_host_name> whole;
  if (!binding || name.size() > TLSEXT_MAXLEN_host_name) return false;
  std::copy(binding->begin(), binding->end(), whole.begin());
  std::memcpy(whole.data() + binding->size(), name.data(), name.size());
  SessionBinding bound{};
  return EVP_Digest(whole.data(), binding->size() + name.size(), bound.data(), nullptr, sha256, nullptr) == 1 &&
         SSL_set_session_id_context(ssl, bound.data(), bound.size()) == 1;
}

bool TlsServer::take_over(SSL* ssl) const {
  const ContextPtr context(keeper_->context());
  SSL_CTX* const ctx = context.get();
  if (!SSL_set_SSL_CTX(ssl, ctx)) return false;
  // OpenSSL takes certificates from the new context, but all of this was copied when the SSL was made.
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(ctx), SSL_CTX_get_verify_callback(ctx));
  SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(ctx));
  SSL_clear_options(ssl, SSL_get_options(ssl) & ~SSL_CTX_get_options(ctx));
  SSL_set_options(ssl, SSL_CTX_get_options(ctx));
  SSL_set_min_proto_version(ssl, static_cast<int>(SSL_CTX_get_min_proto_version(ctx)));
  SSL_set_max_proto_version(ssl, static_cast<int>(SSL_CTX_get_max_proto_version(ctx)));
  SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(ctx));
  SSL_set_max_early_data(ssl, SSL_CTX_get_max_early_data(ctx));
  SSL_set_recv_max_early_data(ssl, SSL_CTX_get_recv_max_early_data(ctx));
  if (options_->curves != "auto") return SSL_set1_groups_list(ssl, options_->curves.c_str()) == 1;
  return true;
}

}  // namespace weir::net
