#include "net/tls_files.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "net/io_result.h"
#include "net/tls_error.h"

namespace weir::net {
namespace {

using BioPtr = std::unique_ptr<BIO, TlsDeleter<BIO_free>>;

constexpr std::size_t kMostPem = 8u << 20;

/// A text for messages: the path, or what stands for a certificate written into the configuration.
std::string shown(const std::string& where) { return where.starts_with("data:") ? "data:..." : where; }

BioPtr open(const std::string& where, std::string& bytes) {
  bytes = where.starts_with("data:") ? where.substr(5) : read_small_file(where, kMostPem);
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// Whether reading stopped because the file has no more of what is read, which is no error.
bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

struct PasswordCall {
  const std::string* password;
  bool asked = false;
};

int give_password(char* buffer, int size, int, void* data) {
  auto& call = *static_cast<PasswordCall*>(data);
  call.asked = true;
  if (!call.password || call.password->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, call.password->data(), call.password->size());
  return static_cast<int>(call.password->size());
}

KeyPtr load_key(const std::string& where, std::span<const std::string> passwords, bool& was_encrypted) {
  if (where.starts_with("engine:") || where.starts_with("store:"))
    throw TlsConfigError("cannot load certificate key \"" + where + "\": only keys in PEM files are supported");
  std::string bytes;
  for (std::size_t attempt = 0;; ++attempt) {
    const BioPtr bio = open(where, bytes);
    PasswordCall call{attempt < passwords.size() ? &passwords[attempt] : nullptr};
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &call));
    OPENSSL_cleanse(bytes.data(), bytes.size());
    was_encrypted = call.asked;
    if (key) {
      ERR_clear_error();
      return key;
    }
    if (!call.asked || attempt + 1 >= passwords.size())
      fail_tls("cannot load certificate key \"" + shown(where) + "\"" +
               (call.asked && passwords.empty() ? ": it is encrypted and there is no ssl_password_file" : ""));
    ERR_clear_error();
  }
}

}  // namespace

std::string read_small_file(const std::string& path, std::size_t most) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw TlsConfigError("cannot load \"" + path + "\" (" + IoError{errno ? errno : ENOENT}.message() + ")");
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.empty()) throw TlsConfigError("cannot load \"" + path + "\": it is empty or cannot be read");
  if (bytes.size() > most) throw TlsConfigError("cannot load \"" + path + "\": it is too large");
  return bytes;
}

std::string TlsKeyPair::files_state() const {
  static std::atomic<std::uint64_t> missing{0};
  std::string state;
  for (const std::string* path : {&certificate, &key}) {
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

TlsCredential load_credential(const TlsKeyPair& pair, std::span<const std::string> passwords) {
  TlsCredential loaded;
  loaded.files_state = pair.files_state();  // first: a change while they are read is seen as one later
  std::string bytes;
  const BioPtr bio = open(pair.certificate, bytes);
  loaded.leaf.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (!loaded.leaf) fail_tls("cannot load certificate \"" + shown(pair.certificate) + "\"");
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) loaded.chain.emplace_back(next);
  if (!at_end()) fail_tls("cannot load certificate \"" + shown(pair.certificate) + "\"");
  loaded.key = load_key(pair.key, passwords, loaded.was_encrypted);
  if (X509_check_private_key(loaded.leaf.get(), loaded.key.get()) != 1)
    fail_tls("the key \"" + shown(pair.key) + "\" does not belong to the certificate \"" + shown(pair.certificate) +
             "\"");
  return loaded;
}

std::vector<X509Ptr> load_certificates(const std::string& path) {
  std::string bytes;
  const BioPtr bio = open(path, bytes);
  std::vector<X509Ptr> all;
  while (X509* const next = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(next);
  if (all.empty() || !at_end()) fail_tls("cannot load certificates from \"" + shown(path) + "\"");
  return all;
}

void trust(X509_STORE* store, const std::string& path) {
  for (const X509Ptr& certificate : load_certificates(path))
    if (X509_STORE_add_cert(store, certificate.get()) != 1) fail_tls("cannot trust a certificate of \"" + path + "\"");
}

void add_revoked(X509_STORE* store, const std::string& path) {
  std::string bytes;
  const BioPtr bio = open(path, bytes);
  int count = 0;
  while (X509_CRL* const list = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)) {
    const std::unique_ptr<X509_CRL, TlsDeleter<X509_CRL_free>> owned(list);
    if (X509_STORE_add_crl(store, list) != 1) fail_tls("cannot use a revocation list of \"" + path + "\"");
    ++count;
  }
  if (count == 0 || !at_end()) fail_tls("cannot load revocation lists from \"" + path + "\"");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

KeyPtr load_dh(const std::string& path) {
  std::string bytes;
  const BioPtr bio = open(path, bytes);
  EVP_PKEY* parameters = nullptr;
  OSSL_DECODER_CTX* const decoder = OSSL_DECODER_CTX_new_for_pkey(&parameters, "PEM", nullptr, "DH",
                                                                  OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, nullptr,
                                                                  nullptr);
  const bool read = decoder && OSSL_DECODER_from_bio(decoder, bio.get()) == 1;
  OSSL_DECODER_CTX_free(decoder);
  if (!read) fail_tls("cannot load Diffie-Hellman parameters from \"" + path + "\"");
  return KeyPtr(parameters);
}

std::string subject_of(const X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace weir::net
