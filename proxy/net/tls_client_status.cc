#include "net/tls_client_status.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <array>

#include "net/tls_session_cache.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

// How long is believed what does not say itself when there will be news.
constexpr std::chrono::seconds kMostAge = 1h;

std::optional<OcspResponder> responder_of(const TlsServerOptions& options) {
  if (options.ocsp_responder.empty()) return std::nullopt;
  auto responder = parse_ocsp_url(options.ocsp_responder);
  if (!responder)
    throw TlsConfigError(fmt::format("the URL \"{}\" in \"ssl_ocsp_responder\" is not of the form http://host[:port][/path]",
                                     options.ocsp_responder));
  return responder;
}

// The cache of sessions is one of texts by name that are forgotten in time, and just that is wanted here.
std::shared_ptr<TlsSessionCache> cache_of(const TlsServerOptions& options) {
  const TlsSessionStore& store = options.ocsp_cache;
  if (store.kind != TlsSessionStore::Kind::Shared) return nullptr;
  return TlsSessionCache::named("ocsp:" + store.name, store.size);
}

std::vector<X509Ptr> copy_of(STACK_OF(X509)* stack) {
  std::vector<X509Ptr> copy;
  for (int i = 0; i < sk_X509_num(stack); ++i) {
    X509_up_ref(sk_X509_value(stack, i));
    copy.emplace_back(sk_X509_value(stack, i));
  }
  return copy;
}

/// The client's certificate and those above it. Empty: there is no telling, since the client came back with a session and what
/// it sent with the first one is not kept.
std::vector<X509Ptr> chain_of(SSL* ssl) {
  if (STACK_OF(X509)* const verified = SSL_get0_verified_chain(ssl)) return copy_of(verified);
  const std::unique_ptr<X509_STORE_CTX, TlsDeleter<X509_STORE_CTX_free>> search(X509_STORE_CTX_new());
  X509_STORE* const trusted = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  std::vector<X509Ptr> chain;
  if (search && X509_STORE_CTX_init(search.get(), trusted, SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl)) == 1 &&
      X509_STORE_CTX_set_default(search.get(), "ssl_client") == 1) {
    X509_STORE_CTX_set_depth(search.get(), SSL_get_verify_depth(ssl));
    if (X509_verify_cert(search.get()) == 1) chain = copy_of(X509_STORE_CTX_get0_chain(search.get()));
  }
  ERR_clear_error();
  return chain;
}

TlsClientFinding unknown_because(std::string why) {
  return {X509_V_ERR_OCSP_VERIFY_FAILED, "certificate status request failed", std::move(why)};
}

TlsClientFinding finding_of(int status) {
  switch (status) {
    case V_OCSP_CERTSTATUS_GOOD: return {};
    case V_OCSP_CERTSTATUS_REVOKED: return {X509_V_ERR_CERT_REVOKED, "certificate revoked", {}};
    default: return {X509_V_ERR_OCSP_CERT_UNKNOWN, "certificate status unknown", {}};
  }
}

}  // namespace

TlsClientStatus::TlsClientStatus(const TlsServerOptions& options)
    : leaf_only_(options.ocsp == TlsOcsp::Leaf), responder_(responder_of(options)), names_(options.responder_names),
      cache_(cache_of(options)) {}

Task<TlsClientFinding> TlsClientStatus::check(SSL* ssl, Loop& loop, OcspAsker& asker, TimePoint deadline,
                                              OcspInquiry** under_way) const {
  if (!SSL_get0_peer_certificate(ssl) || SSL_get_verify_result(ssl) != X509_V_OK) co_return TlsClientFinding{};
  const std::vector<X509Ptr> chain = chain_of(ssl);
  if (chain.empty()) co_return unknown_because("the chain of the client's certificate is not known");
  const std::span<const X509Ptr> all(chain);
  // The last one is trusted as it is.
  const std::size_t count = leaf_only_ ? std::min<std::size_t>(1, all.size() - 1) : all.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    TlsClientFinding finding = co_await check(all[i].get(), all.subspan(i + 1), ssl, loop, asker, deadline, under_way);
    if (finding.error != X509_V_OK) co_return finding;
  }
  co_return TlsClientFinding{};
}

Task<TlsClientFinding> TlsClientStatus::check(X509* certificate, std::span<const X509Ptr> above, SSL* ssl, Loop& loop,
                                              OcspAsker& asker, TimePoint deadline, OcspInquiry** under_way) const {
  std::optional<OcspCertificate> asked;
  std::string key, target;
  const std::optional<OcspResponder> responder = responder_ ? responder_ : parse_ocsp_url(ocsp_url_of(certificate));
  if (!responder)
    co_return unknown_because(fmt::format("no OCSP responder URL in certificate \"{}\"", subject_of(certificate)));
  std::string wrong;
  try {
    asked.emplace(certificate, above.front().get());
    key = asked->key();
    target = asked->target(*responder);
  } catch (const TlsConfigError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) co_return unknown_because(std::move(wrong));
  if (cache_)
    if (const std::string known = cache_->get(key); !known.empty()) co_return finding_of(known.front() - '0');

  const OcspReply reply = co_await asker.ask(loop, *responder, names_, target, deadline, under_way);
  OcspCertificate::Verdict verdict;
  verdict.wrong = reply.wrong;
  // Only who issued it, or whom the issuer made a responder, may speak of a certificate: no flags.
  if (verdict.wrong.empty())
    verdict = asked->judge(reply.answer, above, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0);
  if (!verdict.wrong.empty())
    co_return unknown_because(fmt::format("{} while requesting certificate status, responder: {}:{}, certificate: \"{}\"",
                                          verdict.wrong, responder->host, responder->port, asked->subject()));
  if (cache_)
    if (const auto left = verdict.left.value_or(kMostAge); left.count() > 0)
      cache_->put(key, std::string(1, static_cast<char>('0' + verdict.status)), left);
  co_return finding_of(verdict.status);
}

}  // namespace weir::net
