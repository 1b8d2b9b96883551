// TlsStream's handshakes, with clients and with backends.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/tls_client_status.h"
#include "net/tls_context.h"
#include "net/tls_error.h"
#include "net/tls_stream.h"

namespace weir::net {

bool TlsStream::choose_server(std::string name) {
  server_name_ = std::move(name);
  server_ = acceptor_->choose(server_name_);
  if (!server_ || server_->options().reject) return false;
  if (server_ != first_ && !server_->take_over(ssl_)) return false;
  // RFC 8446 4.6.1 lets a session be used for other names; who is asked for which certificate may depend on the name here.
  return server_name_.empty() || TlsServer::bind_session(ssl_, server_name_);
}

bool TlsStream::load_certificates() {
  const std::vector<TlsKeyPair> pairs = acceptor_->certificates(*this, *server_);
  return std::ranges::all_of(pairs, [this](const TlsKeyPair& pair) { return show(*server_, pair) != nullptr; });
}

/// Shows the pair to the peer. `owner`: the server or client whose it is. Returns what is shown; null: it cannot be.
template <class Owner>
std::shared_ptr<const TlsCredential> TlsStream::show(const Owner& owner, const TlsKeyPair& pair) {
  try {
    auto credential = owner.credential(pair);
    return use_credential(ssl_, *credential) ? std::move(credential) : nullptr;
  } catch (const TlsConfigError& error) {
    own_failure_ = true;
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "%s", error.what());
    return nullptr;
  }
}

Task<TlsOutcome> TlsStream::accept(TlsAcceptor& acceptor, std::chrono::milliseconds timeout) {
  const TimePoint deadline = loop().now() + timeout;
  // RFC 8446 5.1: a handshake begins with a record of type 22; hellos of SSLv2 have the highest bit set.
  char first = 0;
  for (;;) {
    const ssize_t count = is_open() ? ::recv(fd(), &first, 1, MSG_PEEK) : 0;
    if (count > 0) break;
    if (count == 0) co_return TlsOutcome{TlsOutcome::Kind::Closed, {IoError::kEof}, {}};
    if (errno == EINTR) continue;
    const IoError error{errno};
    if (!error.would_block()) co_return TlsOutcome{TlsOutcome::Kind::Closed, error, {}};
    clear_ready(kIn);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - loop().now());
    if (left.count() <= 0) co_return TlsOutcome{TlsOutcome::Kind::TimedOut, {ETIMEDOUT}, {}};
    const IoError waited = co_await readable(left);
    if (waited.timed_out()) co_return TlsOutcome{TlsOutcome::Kind::TimedOut, waited, {}};
    if (waited) co_return TlsOutcome{TlsOutcome::Kind::Canceled, waited, {}};
  }
  if (first != 22 && (first & 0x80) == 0) co_return TlsOutcome{TlsOutcome::Kind::Plain, {}, {}};

  is_server_ = true;
  acceptor_ = &acceptor;
  first_ = server_ = acceptor.choose({});
  if (!first_ || !attach(first_->make_ssl())) co_return TlsOutcome{TlsOutcome::Kind::Failed, {ENOMEM}, take_tls_errors()};
  SSL_set_accept_state(ssl_);
  // A handshake that is begun for early data and has none costs OpenSSL its buffer of 16 KiB twice.
  if (TlsServer::early_data_is_known()) early_ = Early::Possible;
  TlsOutcome outcome = co_await shake_hands(deadline);
  if (outcome.kind == TlsOutcome::Kind::Done && server_->client_status()) {
    outcome.text = co_await ask_about_client(deadline);
    if (!is_open()) outcome = {TlsOutcome::Kind::Canceled, {ECANCELED}, {}};
  }
  acceptor_ = nullptr;
  if (outcome.kind == TlsOutcome::Kind::Done) {
    record_size_ = static_cast<std::uint16_t>(std::min(server_->options().record_size, kTlsRecord));
    lenient_ = server_->options().verify == TlsVerify::OptionalNoCa;
  }
  co_return outcome;
}

Task<std::string> TlsStream::ask_about_client(TimePoint deadline) {
  TlsClientFinding found = co_await server_->client_status()->check(ssl_, loop(), acceptor_->responders(), deadline, &inquiry_);
  if (found.error != X509_V_OK) finding_ = std::make_unique<const Finding>(Finding{found.error, std::move(found.text)});
  co_return std::move(found.remark);
}

namespace {

/// Has the certificate checked for the name, which may be an address.
bool expect_name(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
  const bool bracketed = name.starts_with('[') && name.ends_with(']');
  const std::string bare = bracketed ? name.substr(1, name.size() - 2) : name;
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, bare.c_str()) == 1) return true;
  ERR_clear_error();
  return X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) == 1;
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* const address =
      a2i_IPADDRESS(name.starts_with('[') ? name.substr(1, name.size() - 2).c_str() : name.c_str());
  ERR_clear_error();
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

bool offer(SSL* ssl, const std::vector<std::string>& protocols) {
  std::string wire;  // RFC 7301 3.1
  for (const std::string& protocol : protocols) wire += static_cast<char>(protocol.size()) + protocol;
  return SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(wire.data()), static_cast<unsigned>(wire.size())) == 0;
}

}  // namespace

bool TlsStream::prepare_for(TlsTarget& target) {
  const TlsClient& client = *target.client;
  if (!attach(client.make_ssl())) return false;
  if (client.options().verify && !expect_name(ssl_, target.name)) return false;
  // RFC 6066 3: addresses are no names.
  if (target.sends_name && !target.name.empty() && !is_address(target.name) &&
      SSL_set_tlsext_host_name(ssl_, target.name.c_str()) != 1)
    return false;
  if (!target.own.certificate.empty()) {
    const auto shown = show(client, target.own);
    if (!shown) return false;
    target.own_files = shown->files_state;  // it may have been kept since before the files were changed
  }
  if (!target.alpn.empty() && !offer(ssl_, target.alpn)) return false;
  TlsClient::resume(ssl_, target.peer());
  SSL_set_connect_state(ssl_);
  return true;
}

Task<TlsOutcome> TlsStream::connect(TlsTarget target, TimePoint deadline) {
  ERR_clear_error();
  const bool is_prepared = prepare_for(target);
  target_ = std::make_unique<const TlsTarget>(std::move(target));
  if (!is_prepared) co_return TlsOutcome{TlsOutcome::Kind::Failed, {EPROTO}, take_tls_errors(), own_failure_};
  TlsOutcome outcome = co_await shake_hands(deadline);
  if (outcome.kind == TlsOutcome::Kind::Done || outcome.kind == TlsOutcome::Kind::Canceled) co_return outcome;
  TlsClient::forget_session(ssl_, target_->peer());
  const long verdict = SSL_get_verify_result(ssl_);
  if (target_->client->options().verify && verdict != X509_V_OK && outcome.kind == TlsOutcome::Kind::Failed) {
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
      outcome.text = "upstream SSL certificate does not match \"" + target_->name + "\"";
    else
      outcome.text = "upstream SSL certificate verify error: (" + std::to_string(verdict) + ":" +
                     X509_verify_cert_error_string(verdict) + ")";
  } else {
    const std::string why = outcome.text.empty() ? outcome.error.message() : outcome.text;
    outcome.text = outcome.kind == TlsOutcome::Kind::Closed && saw_end_
                       ? "peer closed connection in SSL handshake"
                       : "SSL_do_handshake() failed (" + why + ")";
  }
  co_return outcome;
}

bool TlsStream::is_for(const TlsTarget& target) const {
  return target_ && target_->client == target.client && target.client->is_in_force(ssl_) && target_->name == target.name &&
         target_->sends_name == target.sends_name && target_->own == target.own &&
         target_->own_files == target.own_files && target_->alpn == target.alpn &&
         target_->address == target.address;
}

void TlsStream::keep_session(SSL_SESSION* session) {
  if (target_) TlsClient::keep_session(ssl_, target_->peer(), session);
}

/// One step of the handshake. Returns as SSL_do_handshake; 1 also if a request came along with the client's hello, and the
/// handshake is far enough for an answer.
int TlsStream::go_on() {
  if (early_ != Early::Possible) return SSL_do_handshake(ssl_);
  std::size_t count = 0;
  switch (SSL_read_early_data(ssl_, &early_octet_, 1, &count)) {
    case SSL_READ_EARLY_DATA_SUCCESS:
      has_early_octet_ = count == 1;
      early_ = Early::Comes;
      return 1;
    case SSL_READ_EARLY_DATA_FINISH: early_ = Early::Over; return SSL_do_handshake(ssl_);
    default: return 0;
  }
}

Task<TlsOutcome> TlsStream::shake_hands(TimePoint deadline) {
  for (;;) {
    while (!loop().has_time_for_long_work()) co_await loop().yield();
    ERR_clear_error();
    const int result = go_on();
    if (result == 1) {
      is_secure_ = true;
      if (SSL_has_pending(ssl_) || early_ == Early::Comes) set_ready(kIn);
      co_return TlsOutcome{};
    }
    const int error = SSL_get_error(ssl_, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      is_broken_ = true;
      co_return failure();
    }
    const bool limited = deadline != TimePoint::max();
    const auto left = limited ? std::chrono::ceil<std::chrono::milliseconds>(deadline - loop().now())
                              : std::chrono::milliseconds(0);
    IoError waited{ETIMEDOUT};
    if (left.count() > 0 || !limited) waited = error == SSL_ERROR_WANT_READ ? co_await readable(left) : co_await writable(left);
    if (!waited) continue;
    is_broken_ = true;
    co_return TlsOutcome{waited.timed_out() ? TlsOutcome::Kind::TimedOut : TlsOutcome::Kind::Canceled, waited, {}};
  }
}

TlsOutcome TlsStream::failure() {
  std::string text = take_tls_errors();
  if (!text.empty() && !saw_end_) return {TlsOutcome::Kind::Failed, {EPROTO}, std::move(text), own_failure_};
  if (saw_end_) return {TlsOutcome::Kind::Closed, {IoError::kEof}, std::move(text)};
  return {TlsOutcome::Kind::Closed, {socket_error_ ? socket_error_ : EPROTO}, {}};
}

}  // namespace weir::net
