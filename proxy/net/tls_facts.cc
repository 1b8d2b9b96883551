// What a TlsStream tells about itself and its peer.
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "net/tls_files.h"
#include "net/tls_stream.h"

namespace weir::net {
namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
  return text;
}

/// What `write` writes to a BIO.
template <class Write>
std::string printed(Write write) {
  BIO* const out = BIO_new(BIO_s_mem());
  write(out);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ':';
  list += item;
}

std::string offered_ciphers(SSL* ssl) {
  unsigned char* raw = nullptr;
  const long size = static_cast<long>(SSL_get0_raw_cipherlist(ssl, &raw));
  std::string list;
  for (long at = 0; raw && at + 2 <= size; at += 2) {
    const SSL_CIPHER* const cipher = SSL_CIPHER_find(ssl, raw + at);
    append(list, cipher ? SSL_CIPHER_get_name(cipher) : fmt::format("0x{:02x}{:02x}", raw[at], raw[at + 1]));
  }
  return list;
}

std::string offered_curves(SSL* ssl) {
  const long count = static_cast<long>(SSL_get1_groups(ssl, nullptr));
  if (count <= 0) return {};
  std::vector<int> groups(static_cast<std::size_t>(count));
  SSL_get1_groups(ssl, groups.data());
  std::string list;
  for (const int group : groups)
    append(list, group & TLSEXT_nid_unknown ? fmt::format("0x{:04x}", group & 0xffff) : std::string(OBJ_nid2sn(group)));
  return list;
}

std::string session_id(SSL* ssl) {
  const SSL_SESSION* const session = SSL_get0_session(ssl);
  if (!session) return {};
  unsigned int size = 0;
  const unsigned char* const id = SSL_SESSION_get_id(session, &size);
  return hex(id, size);
}

std::string alpn(SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string pem(X509* certificate) {
  std::string text = printed([&](BIO* out) { PEM_write_bio_X509(out, certificate); });
  return text;
}

/// In one line, so that it can stand in a header field. RFC 9112 5.2 forbids to send folded ones; who unfolds what nginx
/// sends gets just this.
std::string unfolded(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', '\t');
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain)
      result += c;
    else
      fmt::format_to(std::back_inserter(result), "%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string rfc2253(X509_NAME* name) {
  return printed([&](BIO* out) { X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253); });
}

std::string one_line(X509_NAME* name) {
  char* const text = X509_NAME_oneline(name, nullptr, 0);
  std::string copy = text ? text : "";
  OPENSSL_free(text);
  return copy;
}

std::string common_name(X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string copy(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return copy;
}

std::string own_signature(SSL* ssl) {
  const X509* const own = SSL_get_certificate(ssl);
  return own ? OBJ_nid2sn(X509_get_signature_nid(own)) : "";
}

std::string own_key(SSL* ssl) {
  const X509* const own = SSL_get_certificate(ssl);
  const EVP_PKEY* const key = own ? X509_get0_pubkey(own) : nullptr;
  if (!key) return {};
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS: return fmt::format("RSA{}", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: return fmt::format("EC{}", EVP_PKEY_get_bits(key));
    default: return {};
  }
}

std::string serial(X509* certificate) {
  return printed([&](BIO* out) { i2a_ASN1_INTEGER(out, X509_get0_serialNumber(certificate)); });
}

std::string fingerprint(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  return X509_digest(certificate, EVP_sha1(), digest, &size) == 1 ? hex(digest, size) : std::string();
}

std::string days_left(X509* certificate) {
  int days = 0, seconds = 0;
  ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
  return std::to_string(std::max(days, 0));
}

std::string peer_fact(X509* peer, TlsFact which) {
  switch (which) {
    case TlsFact::PeerCertificate: return unfolded(pem(peer));
    case TlsFact::PeerCertificateRaw: return pem(peer);
    case TlsFact::PeerCertificateEscaped: return escaped(pem(peer));
    case TlsFact::PeerSubject: return rfc2253(X509_get_subject_name(peer));
    case TlsFact::PeerIssuer: return rfc2253(X509_get_issuer_name(peer));
    case TlsFact::PeerCommonName: return common_name(X509_get_subject_name(peer));
    case TlsFact::PeerSubjectLegacy: return one_line(X509_get_subject_name(peer));
    case TlsFact::PeerIssuerLegacy: return one_line(X509_get_issuer_name(peer));
    case TlsFact::PeerSerial: return serial(peer);
    case TlsFact::PeerFingerprint: return fingerprint(peer);
    case TlsFact::PeerValidFrom: return printed([&](BIO* out) { ASN1_TIME_print(out, X509_get0_notBefore(peer)); });
    case TlsFact::PeerValidTo: return printed([&](BIO* out) { ASN1_TIME_print(out, X509_get0_notAfter(peer)); });
    case TlsFact::PeerDaysLeft: return days_left(peer);
    default: return {};
  }
}

/// Errors that say no more than that nobody known has signed.
bool is_about_signer(long error) {
  constexpr std::array kErrors = {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                                  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

}  // namespace

bool TlsStream::has_peer_certificate() const { return SSL_get0_peer_certificate(ssl_) != nullptr; }

long TlsStream::verify_error() const {
  if (finding_) return finding_->error;
  const long error = SSL_get_verify_result(ssl_);
  return lenient_ && is_about_signer(error) ? X509_V_OK : error;
}

std::string TlsStream::verify_error_text() const {
  if (finding_) return finding_->text;
  return X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
}

std::string TlsStream::fact(TlsFact which) const {
  switch (which) {
    case TlsFact::Protocol: return SSL_get_version(ssl_);
    case TlsFact::Cipher: return SSL_get_cipher_name(ssl_);
    case TlsFact::Ciphers: return offered_ciphers(ssl_);
    case TlsFact::Curve: {
      const int group = static_cast<int>(SSL_get_negotiated_group(ssl_));
      if (group == NID_undef) return {};
      return group & TLSEXT_nid_unknown ? fmt::format("0x{:04x}", group & 0xffff) : std::string(OBJ_nid2sn(group));
    }
    case TlsFact::Curves: return offered_curves(ssl_);
    case TlsFact::SessionId: return session_id(ssl_);
    case TlsFact::SessionReused: return SSL_session_reused(ssl_) ? "r" : ".";
    case TlsFact::ServerName: return server_name_;
    case TlsFact::Alpn: return alpn(ssl_);
    case TlsFact::PeerVerdict:
      if (!has_peer_certificate()) return "NONE";
      return SSL_get_verify_result(ssl_) == X509_V_OK && !finding_ ? "SUCCESS" : "FAILED:" + verify_error_text();
    case TlsFact::OwnSignature: return own_signature(ssl_);
    case TlsFact::OwnKey: return own_key(ssl_);
    case TlsFact::EarlyData: return SSL_is_init_finished(ssl_) ? "" : "1";
    case TlsFact::Signature:
    case TlsFact::PeerSignature: return {};  // OpenSSL 3.0 does not tell
    default: break;
  }
  X509* const peer = SSL_get0_peer_certificate(ssl_);
  return peer ? peer_fact(peer, which) : std::string();
}

}  // namespace weir::net
