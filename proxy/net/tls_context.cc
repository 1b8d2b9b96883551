#include "net/tls_context.h"

#include <openssl/err.h>

#include <cerrno>
#include <ctime>

#include "net/tls_error.h"

namespace weir::net {
namespace {

struct VersionRow {
  std::uint32_t bit;
  int number;
  std::uint64_t disabled;
};
constexpr VersionRow kVersions[] = {
    {tls_version::kSsl3, SSL3_VERSION, SSL_OP_NO_SSLv3},     {tls_version::kTls10, TLS1_VERSION, SSL_OP_NO_TLSv1},
    {tls_version::kTls11, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1}, {tls_version::kTls12, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    {tls_version::kTls13, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

void use_versions(SSL_CTX* context, std::uint32_t versions) {
  int lowest = 0, highest = 0;
  for (const VersionRow& row : kVersions) {
    if ((versions & row.bit) == 0) {
      SSL_CTX_set_options(context, row.disabled);
      continue;
    }
    SSL_CTX_clear_options(context, row.disabled);
    if (lowest == 0) lowest = row.number;
    highest = row.number;
  }
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_max_proto_version(context, highest);
}

}  // namespace

ContextPtr make_context(const SSL_METHOD* method, const TlsOptions& options) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(method));
  if (!context) fail_tls("SSL_CTX_new() failed");
  SSL_CTX* const ctx = context.get();
  use_versions(ctx, options.versions);
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_SINGLE_DH_USE);
  // Buffers only while bytes are in them: most connections are idle.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // What is sent is what the file has, not what could be made of those that are trusted.
  SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(ctx, 1);
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(ctx, options.ciphers.c_str()) != 1)
    fail_tls("the ciphers \"" + options.ciphers + "\" cannot be used");
  return context;
}

void use_commands(SSL_CTX* context, const TlsOptions& options) {
  if (options.commands.empty()) return;
  SSL_CONF_CTX* const commands = SSL_CONF_CTX_new();
  SSL_CONF_CTX_set_flags(commands, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CLIENT |
                                       SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_SHOW_ERRORS);
  SSL_CONF_CTX_set_ssl_ctx(commands, context);
  std::string failed;
  for (const auto& [name, given] : options.commands) {
    const bool is_path = SSL_CONF_cmd_value_type(commands, name.c_str()) == SSL_CONF_TYPE_FILE;
    const std::string value = is_path && !given.starts_with('/') ? options.directory + "/" + given : given;
    if (SSL_CONF_cmd(commands, name.c_str(), value.c_str()) > 0) continue;
    failed = "SSL_CONF_cmd(\"" + name + "\", \"" + value + "\") failed";
    break;
  }
  if (failed.empty() && SSL_CONF_CTX_finish(commands) != 1) failed = "SSL_CONF_finish() failed";
  SSL_CONF_CTX_free(commands);
  if (!failed.empty()) fail_tls(failed);
}

void use_credential(SSL_CTX* context, const TlsCredential& credential) {
  if (SSL_CTX_use_certificate(context, credential.leaf.get()) != 1) fail_tls("SSL_CTX_use_certificate() failed");
  SSL_CTX_clear_chain_certs(context);
  for (const X509Ptr& certificate : credential.chain)
    if (SSL_CTX_add1_chain_cert(context, certificate.get()) != 1) fail_tls("SSL_CTX_add1_chain_cert() failed");
  if (SSL_CTX_use_PrivateKey(context, credential.key.get()) != 1) fail_tls("SSL_CTX_use_PrivateKey() failed");
}

bool use_credential(SSL* ssl, const TlsCredential& credential) {
  if (SSL_use_certificate(ssl, credential.leaf.get()) != 1) return false;
  SSL_clear_chain_certs(ssl);
  for (const X509Ptr& certificate : credential.chain)
    if (SSL_add1_chain_cert(ssl, certificate.get()) != 1) return false;
  return SSL_use_PrivateKey(ssl, credential.key.get()) == 1;
}

std::vector<TlsCredential> use_credentials(SSL_CTX* context, const TlsOptions& options) {
  std::vector<TlsCredential> credentials;
  if (options.certificates_vary) return credentials;
  for (const TlsKeyPair& pair : options.certificates) {
    credentials.push_back(load_credential(pair, options.passwords));
    use_credential(context, credentials.back());
  }
  return credentials;
}

std::optional<TlsKeeper::Ending> first_to_end(std::span<const TlsCredential> credentials) {
  std::optional<TlsKeeper::Ending> first;
  for (const TlsCredential& credential : credentials) {
    std::tm parts{};
    ASN1_TIME_to_tm(X509_get0_notAfter(credential.leaf.get()), &parts);
    const auto end = std::chrono::system_clock::from_time_t(::timegm(&parts));
    if (!first || end < first->when) first = {end, subject_of(credential.leaf.get())};
  }
  return first;
}

void use_trust(SSL_CTX* context, const TlsOptions& options, const std::string& more) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  if (!options.trusted.empty()) trust(store, options.trusted);
  if (!more.empty()) trust(store, more);
  if (!options.revoked.empty()) add_revoked(store, options.revoked);
}

bool FileStamps::Stamp::operator==(const Stamp& other) const {
  const auto same = [](const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
  return device == other.device && inode == other.inode && size == other.size && same(modified, other.modified) &&
         same(status_changed, other.status_changed);
}

std::vector<FileStamps::Stamp> FileStamps::look() const {
  std::vector<Stamp> stamps(paths_.size());
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    struct stat info{};
    if (::stat(paths_[i].c_str(), &info) == 0)
      stamps[i] = {info.st_dev, info.st_ino, info.st_size, info.st_mtim, info.st_ctim};
    else if (errno == EACCES && i < seen_.size())
      stamps[i] = seen_[i];  // read before Weir gave its privileges up: it stays as it was
  }
  return stamps;
}

bool FileStamps::changed() {
  std::vector<Stamp> now = look();
  if (now == seen_) return false;
  seen_ = std::move(now);
  return true;
}

std::vector<std::string> FileStamps::paths_of(const TlsOptions& options) {
  std::vector<std::string> paths;
  if (!options.certificates_vary)
    for (const TlsKeyPair& pair : options.certificates)
      for (const std::string* path : {&pair.certificate, &pair.key})
        if (!path->starts_with("data:")) paths.push_back(*path);
  for (const std::string* path : {&options.trusted, &options.revoked})
    if (!path->empty()) paths.push_back(*path);
  return paths;
}

}  // namespace weir::net
