// Certificates, keys and their kin from files. Private to this folder's TLS parts.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/tls_options.h"

namespace weir::net {

template <auto Free>
struct TlsDeleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Ptr = std::unique_ptr<X509, TlsDeleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, TlsDeleter<EVP_PKEY_free>>;
using StorePtr = std::unique_ptr<X509_STORE, TlsDeleter<X509_STORE_free>>;

/// A leaf, the certificates between it and its root, and its key.
struct TlsCredential {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;
  KeyPtr key;
  bool was_encrypted = false;  // the key's file
  std::string files_state;     // of the pair when it was read
};

/// Reads a pair and checks that key and certificate belong together. `passwords`: tried in turn. Throws
/// TlsConfigError.
TlsCredential load_credential(const TlsKeyPair& pair, std::span<const std::string> passwords);

/// All certificates of a PEM file, at least one. Throws TlsConfigError.
std::vector<X509Ptr> load_certificates(const std::string& path);

/// Makes the certificates of `path` ones that a chain may end in. Throws TlsConfigError.
void trust(X509_STORE* store, const std::string& path);
/// Adds the revocation lists of `path`, and has them asked for every certificate of a chain. Throws TlsConfigError.
void add_revoked(X509_STORE* store, const std::string& path);
/// The parameters of a Diffie-Hellman exchange in a PEM file. Throws TlsConfigError.
KeyPtr load_dh(const std::string& path);

/// The subject as RFC 2253 writes it.
std::string subject_of(const X509* certificate);

/// The bytes of a file of at most `most` octets. Throws TlsConfigError.
std::string read_small_file(const std::string& path, std::size_t most);

}  // namespace weir::net
