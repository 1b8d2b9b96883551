#include "net/tls_staple.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/living.h"
#include "net/tls_error.h"
#include "net/tls_files.h"

namespace weir::net {

/// What an answer is judged by.
struct TlsStaple::Certificate {
  X509Ptr leaf;
  std::unique_ptr<OCSP_CERTID, TlsDeleter<OCSP_CERTID_free>> id;
  std::vector<X509Ptr> chain;
  StorePtr trusted;
  bool verify = false;
};

namespace {

using namespace std::chrono_literals;
using Certificate = TlsStaple::Certificate;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, TlsDeleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, TlsDeleter<OCSP_BASICRESP_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, TlsDeleter<OCSP_REQUEST_free>>;

// As nginx: an answer is renewed five minutes before it ends, but at least each hour.
constexpr auto kBeforeEnd = 5min;
constexpr auto kMostAge = 1h;
constexpr auto kFirstRetry = 5s;
constexpr auto kLastRetry = 5min;
constexpr long kClockSkew = 300;  // seconds that the responder's clock may be off

std::string encoded_request(const OCSP_CERTID* id) {
  const RequestPtr request(OCSP_REQUEST_new());
  OCSP_CERTID* const own = OCSP_CERTID_dup(id);
  if (!request || !own || !OCSP_request_add0_id(request.get(), own)) fail_tls("OCSP_request_add0_id() failed");
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_REQUEST(request.get(), &der);
  if (size <= 0) fail_tls("i2d_OCSP_REQUEST() failed");
  std::string base64(static_cast<std::size_t>(4 * ((size + 2) / 3) + 1), '\0');
  base64.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), der, size)));
  OPENSSL_free(der);
  std::string escaped;
  for (const char c : base64) escaped += c == '+' ? "%2B" : c == '/' ? "%2F" : c == '=' ? "%3D" : std::string(1, c);
  return escaped;
}

std::string target_of(const TlsStaple::Responder& responder, const Certificate& certificate) {
  return responder.path + (responder.path.ends_with('/') ? "" : "/") + encoded_request(certificate.id.get());
}

/// Reads `http://host[:port][/path]`.
std::optional<TlsStaple::Responder> parse_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  TlsStaple::Responder responder;
  const std::size_t slash = std::min(url.find('/'), url.size());
  responder.path = slash == url.size() ? "/" : url.substr(slash);
  std::string_view host = url.substr(0, slash);
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    const std::string_view port = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), responder.port);
    if (error != std::errc() || end != port.data() + port.size() || responder.port == 0) return std::nullopt;
    host = host.substr(0, colon);
  }
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (host.empty() || std::ranges::any_of(url, is_bad)) return std::nullopt;
  responder.host = host;
  return responder;
}

std::string responder_url(X509* leaf) {
  STACK_OF(OPENSSL_STRING)* const urls = X509_get1_ocsp(leaf);
  std::string first = urls && sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
  X509_email_free(urls);
  return first;
}

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
  auto certificate = std::make_unique<Certificate>();
  const X509Ptr issuer = issuer_of(credential, trusted);
  if (!issuer) {
    why = fmt::format("\"ssl_stapling\" ignored, issuer certificate not found for certificate \"{}\"; it belongs into the file "
                      "of the certificate or of ssl_trusted_certificate", subject);
    return nullptr;
  }
  const std::string url = options.responder.empty() ? responder_url(credential.leaf.get()) : options.responder;
  if (url.empty()) {
    why = fmt::format("\"ssl_stapling\" ignored, no OCSP responder URL in the certificate \"{}\"", subject);
    return nullptr;
  }
  const auto responder = parse_url(url);
  if (!responder) {
    why = fmt::format("\"ssl_stapling\" ignored, the URL \"{}\" of the OCSP responder for certificate \"{}\" is not of the form "
                      "http://host[:port][/path]", url, subject);
    return nullptr;
  }
  certificate->leaf = share(credential.leaf.get());
  certificate->id.reset(OCSP_cert_to_id(nullptr, credential.leaf.get(), issuer.get()));
  if (!certificate->id) fail_tls("OCSP_cert_to_id() failed");
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
      target_(target_of(responder_, *certificate_)), subject_(subject_of(certificate_->leaf.get())) {}

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

std::string TlsStaple::take(std::string_view answer, TimePoint now) {
  ERR_clear_error();
  const auto* bytes = reinterpret_cast<const unsigned char*>(answer.data());
  const auto* const end = bytes + answer.size();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(answer.size())));
  if (!response || bytes != end) return "it is no OCSP response";
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return fmt::format("OCSP response not successful ({}: {})", status, OCSP_response_status_str(status));
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return "OCSP_response_get1_basic() failed (" + take_tls_errors() + ")";

  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> chain(sk_X509_new_null(), [](auto* stack) { sk_X509_free(stack); });
  for (const X509Ptr& each : certificate_->chain) sk_X509_push(chain.get(), each.get());
  const unsigned long how = certificate_->verify ? OCSP_TRUSTOTHER : OCSP_NOVERIFY;
  if (OCSP_basic_verify(basic.get(), chain.get(), certificate_->trusted.get(), how) != 1)
    return "OCSP_basic_verify() failed (" + take_tls_errors() + ")";

  int status = 0;
  ASN1_GENERALIZEDTIME* said = nullptr;
  ASN1_GENERALIZEDTIME* next = nullptr;
  if (OCSP_resp_find_status(basic.get(), certificate_->id.get(), &status, nullptr, nullptr, &said, &next) != 1)
    return "certificate status not found in the OCSP response";
  if (status != V_OCSP_CERTSTATUS_GOOD)
    return fmt::format("certificate status \"{}\" in the OCSP response", OCSP_cert_status_str(status));
  if (OCSP_check_validity(said, next, kClockSkew, -1) != 1)
    return "OCSP_check_validity() failed (" + take_tls_errors() + ")";

  int days = 0, seconds = 0;
  const bool ends = next && ASN1_TIME_diff(&days, &seconds, nullptr, next) == 1;
  const Clock::duration left = ends ? std::chrono::seconds(days * 86400LL + seconds) : Clock::duration(kMostAge * 24);
  const std::lock_guard lock(mutex_);
  answer_ = std::make_shared<const std::string>(answer);
  ends_ = now + left;
  ask_at_ = now + std::clamp<Clock::duration>(left - kBeforeEnd, kBeforeEnd, kMostAge);
  is_asking_ = false;
  failures_ = 0;
  return {};
}

}  // namespace weir::net
