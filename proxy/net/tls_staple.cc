#include "net/tls_staple.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>

#include "net/living.h"
#include "net/ocsp.h"
#include "net/tls_error.h"
#include "net/tls_files.h"

namespace weir::net {

/// What an answer is judged by.
struct TlsStaple::Certificate {
  OcspCertificate asked;
  std::vector<X509Ptr> chain;
  StorePtr trusted;
  bool verify = false;
};

namespace {

using namespace std::chrono_literals;
using Certificate = TlsStaple::Certificate;

// As nginx: an answer is renewed five minutes before it ends, but at least each hour.
constexpr auto kBeforeEnd = 5min;
constexpr auto kMostAge = 1h;
constexpr auto kFirstRetry = 5s;
constexpr auto kLastRetry = 5min;

X509Ptr issuer_of(const TlsCredential& credential, X509_STORE* trusted) {
  for (const X509Ptr& candidate : credential.chain)
    if (X509_check_issued(candidate.get(), credential.leaf.get()) == X509_V_OK) {
      X509_up_ref(candidate.get());
      return X509Ptr(candidate.get());
    }
  const std::unique_ptr<X509_STORE_CTX, TlsDeleter<X509_STORE_CTX_free>> search(X509_STORE_CTX_new());
  X509* issuer = nullptr;
  if (X509_STORE_CTX_init(search.get(), trusted, nullptr, nullptr) != 1 ||
      X509_STORE_CTX_get1_issuer(&issuer, search.get(), credential.leaf.get()) != 1)
    issuer = nullptr;
  ERR_clear_error();
  return X509Ptr(issuer);
}

X509Ptr share(X509* certificate) {
  X509_up_ref(certificate);
  return X509Ptr(certificate);
}

Living<TlsStaple>& staples() {
  static Living<TlsStaple> all;
  return all;
}

/// A staple for the certificate; null: there can be none, and `why` says so.
std::shared_ptr<TlsStaple> make_staple(const TlsCredential& credential, X509_STORE* trusted, const TlsServerOptions& options,
                                       std::string& why) {
  const std::string subject = subject_of(credential.leaf.get());
  const X509Ptr issuer = issuer_of(credential, trusted);
  if (!issuer) {
    why = fmt::format("\"ssl_stapling\" ignored, issuer certificate not found for certificate \"{}\"; it belongs into the file "
                      "of the certificate or of ssl_trusted_certificate", subject);
    return nullptr;
  }
  const std::string url = options.responder.empty() ? ocsp_url_of(credential.leaf.get()) : options.responder;
  if (url.empty()) {
    why = fmt::format("\"ssl_stapling\" ignored, no OCSP responder URL in the certificate \"{}\"", subject);
    return nullptr;
  }
  const auto responder = parse_ocsp_url(url);
  if (!responder) {
    why = fmt::format("\"ssl_stapling\" ignored, the URL \"{}\" of the OCSP responder for certificate \"{}\" is not of the form "
                      "http://host[:port][/path]", url, subject);
    return nullptr;
  }
  auto certificate = std::make_unique<Certificate>(Certificate{OcspCertificate(credential.leaf.get(), issuer.get()), {}, {}, false});
  for (const X509Ptr& each : credential.chain) certificate->chain.push_back(share(each.get()));
  if (certificate->chain.empty()) certificate->chain.push_back(share(issuer.get()));
  X509_STORE_up_ref(trusted);
  certificate->trusted.reset(trusted);
  certificate->verify = options.staple_verify;
  auto staple = std::make_shared<TlsStaple>(std::move(certificate), *responder, options.responder_names);
  staples().add(staple);
  return staple;
}

// --- what handshakes see

struct Staple {
  X509* leaf;  // the context's; null: any certificate
  std::shared_ptr<TlsStaple> asked;
  std::shared_ptr<const std::string> given;  // of a file
};
using Staples = std::vector<Staple>;

void free_staples(void*, void* staples, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Staples*>(staples); }

int staples_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_staples);
  return index;
}

int on_status_request(SSL* ssl, void*) {
  const auto* const staples = static_cast<const Staples*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), staples_index()));
  const X509* const shown = SSL_get_certificate(ssl);
  if (!staples || !shown) return SSL_TLSEXT_ERR_NOACK;
  for (const Staple& staple : *staples) {
    if (staple.leaf && staple.leaf != shown && X509_cmp(staple.leaf, shown) != 0) continue;
    const auto answer = staple.given ? staple.given : staple.asked->answer();
    auto* const copy = answer ? static_cast<unsigned char*>(OPENSSL_memdup(answer->data(), answer->size())) : nullptr;
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(answer->size()));  // OpenSSL frees it
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

std::vector<std::string> use_staples(SSL_CTX* context, const TlsServerOptions& options,
                                     const std::vector<TlsCredential>& credentials) {
  std::vector<std::string> remarks;
  if (!options.stapling) return remarks;
  auto staples = std::make_unique<Staples>();
  if (!options.staple.empty()) {
    staples->push_back({nullptr, nullptr, std::make_shared<const std::string>(read_small_file(options.staple, 64 * 1024))});
  } else {
    if (options.certificates_vary)
      remarks.emplace_back("\"ssl_stapling\" ignored, the names of the certificates have variables");
    for (const TlsCredential& credential : credentials) {
      std::string why;
      if (auto staple = make_staple(credential, SSL_CTX_get_cert_store(context), options, why))
        staples->push_back({credential.leaf.get(), std::move(staple), nullptr});
      else
        remarks.push_back(std::move(why));
    }
  }
  SSL_CTX_set_ex_data(context, staples_index(), staples.release());
  SSL_CTX_set_tlsext_status_cb(context, on_status_request);
  return remarks;
}

// --- the answer

TlsStaple::TlsStaple(std::unique_ptr<Certificate> certificate, Responder responder, TlsResponderNames names)
    : certificate_(std::move(certificate)), responder_(std::move(responder)), names_(std::move(names)),
      target_(certificate_->asked.target(responder_)) {}

TlsStaple::~TlsStaple() = default;

std::vector<std::shared_ptr<TlsStaple>> TlsStaple::all() { return staples().all(); }

bool TlsStaple::begin_asking(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (is_asking_ || now < ask_at_) return false;
  return is_asking_ = true;
}

void TlsStaple::give_up(TimePoint now) {
  const std::lock_guard lock(mutex_);
  is_asking_ = false;
  ask_at_ = now + std::min<Clock::duration>(kFirstRetry * (1 << std::min(failures_, 6u)), kLastRetry);
  ++failures_;
}

std::shared_ptr<const std::string> TlsStaple::answer(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  return now < ends_ ? answer_ : nullptr;
}

const std::string& TlsStaple::subject() const { return certificate_->asked.subject(); }

std::string TlsStaple::take(std::string_view answer, TimePoint now) {
  const OcspCertificate::Verdict verdict = certificate_->asked.judge(answer, certificate_->chain, certificate_->trusted.get(),
                                                                     certificate_->verify ? OCSP_TRUSTOTHER : OCSP_NOVERIFY);
  if (!verdict.wrong.empty()) return verdict.wrong;
  if (verdict.status != V_OCSP_CERTSTATUS_GOOD)
    return fmt::format("certificate status \"{}\" in the OCSP response", OCSP_cert_status_str(verdict.status));
  const Clock::duration left = verdict.left ? Clock::duration(*verdict.left) : Clock::duration(kMostAge * 24);
  const std::lock_guard lock(mutex_);
  answer_ = std::make_shared<const std::string>(answer);
  ends_ = now + left;
  ask_at_ = now + std::clamp<Clock::duration>(left - kBeforeEnd, kBeforeEnd, kMostAge);
  is_asking_ = false;
  failures_ = 0;
  return {};
}

}  // namespace weir::net
