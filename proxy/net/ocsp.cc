#include "net/ocsp.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <charconv>

#include "net/tls_error.h"

namespace weir::net {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, TlsDeleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, TlsDeleter<OCSP_BASICRESP_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, TlsDeleter<OCSP_REQUEST_free>>;

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

}  // namespace

std::optional<OcspResponder> parse_ocsp_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  OcspResponder responder;
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

std::string ocsp_url_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* const urls = X509_get1_ocsp(certificate);
  std::string first = urls && sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
  X509_email_free(urls);
  return first;
}

OcspCertificate::OcspCertificate(X509* certificate, X509* issuer)
    : id_(OCSP_cert_to_id(nullptr, certificate, issuer)), subject_(subject_of(certificate)) {
  if (!id_) fail_tls("OCSP_cert_to_id() failed");
}

std::string OcspCertificate::target(const OcspResponder& responder) const {
  return responder.path + (responder.path.ends_with('/') ? "" : "/") + encoded_request(id_.get());
}

std::string OcspCertificate::key() const {
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_CERTID(id_.get(), &der);
  if (size <= 0) fail_tls("i2d_OCSP_CERTID() failed");
  std::string key(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return key;
}

OcspCertificate::Verdict OcspCertificate::judge(std::string_view answer, std::span<const X509Ptr> chain, X509_STORE* trusted,
                                                unsigned long flags) const {
  ERR_clear_error();
  Verdict verdict;
  const auto wrong = [&verdict](std::string why) {
    verdict.wrong = std::move(why);
    return verdict;
  };
  const auto* bytes = reinterpret_cast<const unsigned char*>(answer.data());
  const auto* const end = bytes + answer.size();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(answer.size())));
  if (!response || bytes != end) {
    ERR_clear_error();
    return wrong("it is no OCSP response");
  }
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return wrong(fmt::format("OCSP response not successful ({}: {})", status, OCSP_response_status_str(status)));
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return wrong("OCSP_response_get1_basic() failed (" + take_tls_errors() + ")");

  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> certificates(sk_X509_new_null(),
                                                                               [](auto* stack) { sk_X509_free(stack); });
  for (const X509Ptr& each : chain) sk_X509_push(certificates.get(), each.get());
  if (OCSP_basic_verify(basic.get(), certificates.get(), trusted, flags) != 1)
    return wrong("OCSP_basic_verify() failed (" + take_tls_errors() + ")");

  ASN1_GENERALIZEDTIME* said = nullptr;
  ASN1_GENERALIZEDTIME* next = nullptr;
  if (OCSP_resp_find_status(basic.get(), id_.get(), &verdict.status, nullptr, nullptr, &said, &next) != 1)
    return wrong("certificate status not found in the OCSP response");
  if (OCSP_check_validity(said, next, kClockSkew, -1) != 1)
    return wrong("OCSP_check_validity() failed (" + take_tls_errors() + ")");
  int days = 0, seconds = 0;
  if (next && ASN1_TIME_diff(&days, &seconds, nullptr, next) == 1) verdict.left = std::chrono::seconds(days * 86400LL + seconds);
  return verdict;
}

}  // namespace weir::net
