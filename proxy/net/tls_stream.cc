#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "net/tls_context.h"
#include "net/tls_error.h"

namespace weir::net {
namespace {

constexpr std::size_t kRecord = 16 * 1024;

/// The bytes of several pieces, in order.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> parts) : parts_(parts) { settle(); }
  bool at_end() const { return parts_.empty(); }
  /// What is left of the first piece.
  std::string_view front() const {
    return {static_cast<const char*>(parts_.front().iov_base) + skipped_, parts_.front().iov_len - skipped_};
  }
  void skip(std::size_t count) {
    while (count != 0 && !parts_.empty()) {
      const std::size_t here = std::min(count, front().size());
      skipped_ += here;
      count -= here;
      settle();
    }
  }
  /// Copies up to `size` octets without skipping them; returns how many.
  std::size_t copy(char* into, std::size_t size) const {
    Cursor ahead = *this;
    std::size_t copied = 0;
    while (copied < size && !ahead.at_end()) {
      const std::string_view piece = ahead.front().substr(0, size - copied);
      std::memcpy(into + copied, piece.data(), piece.size());
      copied += piece.size();
      ahead.skip(piece.size());
    }
    return copied;
  }
  bool is_last() const { return parts_.size() == 1; }

 private:
  void settle() {
    while (!parts_.empty() && skipped_ == parts_.front().iov_len) {
      parts_ = parts_.subspan(1);
      skipped_ = 0;
    }
  }
  std::span<const iovec> parts_;
  std::size_t skipped_ = 0;
};

}  // namespace

// --- the socket under OpenSSL

// Not OpenSSL's own BIO for sockets: this one knows the flags of the stream, so a socket that is known to be empty is
// not read, and a write never raises SIGPIPE.
const BIO_METHOD* TlsStream::bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir stream");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsStream::bio_read(BIO* bio, char* into, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.is_open()) {
    self.socket_error_ = ECANCELED;
    return -1;
  }
  if (!self.has_ready(kIn)) {  // nothing has come since it was read empty
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t count;
  do count = ::recv(self.fd(), into, static_cast<std::size_t>(size), 0);
  while (count < 0 && errno == EINTR);
  if (count > 0) {
    if (count < size && !self.peer_closed()) self.clear_ready(kIn);  // as in Stream::try_read
    return static_cast<int>(count);
  }
  if (count == 0) {
    self.saw_end_ = true;
    return 0;
  }
  self.socket_error_ = errno;
  if (!IoError{errno}.would_block()) return -1;
  self.clear_ready(kIn);
  BIO_set_retry_read(bio);
  return -1;
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.is_open()) {
    self.socket_error_ = ECANCELED;
    return -1;
  }
  ssize_t count;
  do count = ::send(self.fd(), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  if (count >= 0) {
    if (count < size) self.clear_ready(kOut);
    return static_cast<int>(count);
  }
  self.socket_error_ = errno;
  if (!IoError{errno}.would_block()) return -1;
  self.clear_ready(kOut);
  BIO_set_retry_write(bio);
  return -1;
}

long TlsStream::bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP: return 1;
    case BIO_CTRL_EOF: return static_cast<TlsStream*>(BIO_get_data(bio))->saw_end_ ? 1 : 0;
    default: return 0;
  }
}

bool TlsStream::attach(SSL* ssl) {
  ssl_ = ssl;
  if (!ssl) return false;
  BIO* const bio = BIO_new(bio_method());
  if (!bio) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, this);
  return true;
}

// --- the handshake

bool TlsStream::choose_server(std::string name) {
  server_name_ = std::move(name);
  server_ = acceptor_->choose(server_name_);
  if (!server_ || server_->options().reject) return false;
  return server_ == first_ || server_->take_over(ssl_);
}

bool TlsStream::load_certificates() {
  for (const TlsKeyPair& pair : acceptor_->certificates(*this, *server_)) {
    try {
      if (!use_credential(ssl_, load_credential(pair, server_->options().passwords))) return false;
    } catch (const TlsConfigError& error) {
      own_failure_ = true;
      ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "%s", error.what());
      return false;
    }
  }
  return true;
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
  TlsOutcome outcome = co_await shake_hands(deadline);
  acceptor_ = nullptr;
  if (outcome.kind == TlsOutcome::Kind::Done) {
    record_size_ = static_cast<std::uint16_t>(std::min(server_->options().record_size, kRecord));
    lenient_ = server_->options().verify == TlsVerify::OptionalNoCa;
  }
  co_return outcome;
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

}  // namespace

bool TlsStream::prepare_for(const TlsTarget& target) {
  const TlsClient& client = *target.client;
  if (!attach(client.make_ssl())) return false;
  if (client.options().verify && !expect_name(ssl_, target.name)) return false;
  // RFC 6066 3: addresses are no names.
  if (target.sends_name && !target.name.empty() && !is_address(target.name) &&
      SSL_set_tlsext_host_name(ssl_, target.name.c_str()) != 1)
    return false;
  if (!target.own.certificate.empty())
    try {
      if (!use_credential(ssl_, load_credential(target.own, client.options().passwords))) return false;
    } catch (const TlsConfigError& error) {
      ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "%s", error.what());
      own_failure_ = true;
      return false;
    }
  client.resume(ssl_, target.peer());
  SSL_set_connect_state(ssl_);
  return true;
}

Task<TlsOutcome> TlsStream::connect(TlsTarget target, TimePoint deadline) {
  target_ = std::make_unique<const TlsTarget>(std::move(target));
  ERR_clear_error();
  if (!prepare_for(*target_)) co_return TlsOutcome{TlsOutcome::Kind::Failed, {EPROTO}, take_tls_errors(), own_failure_};
  TlsOutcome outcome = co_await shake_hands(deadline);
  if (outcome.kind == TlsOutcome::Kind::Done || outcome.kind == TlsOutcome::Kind::Canceled) co_return outcome;
  target_->client->forget_session(target_->peer());
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
  return target_ && target_->client == target.client && target_->name == target.name &&
         target_->sends_name == target.sends_name && target_->own == target.own && target_->address == target.address;
}

void TlsStream::keep_session(SSL_SESSION* session) {
  if (target_) target_->client->keep_session(target_->peer(), session);
}

Task<TlsOutcome> TlsStream::shake_hands(TimePoint deadline) {
  for (;;) {
    while (!loop().has_time_for_long_work()) co_await loop().yield();
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
      is_secure_ = true;
      if (SSL_has_pending(ssl_)) set_ready(kIn);
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

// --- bytes

IoError TlsStream::explain(int result, Direction direction) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      if (direction == Direction::Write) set_wants(Direction::Write, kIn);
      return {EAGAIN};
    case SSL_ERROR_WANT_WRITE:
      if (direction == Direction::Read) set_wants(Direction::Read, kOut);
      return {EAGAIN};
    case SSL_ERROR_ZERO_RETURN: return {IoError::kEof};
    default: break;
  }
  ERR_clear_error();
  is_broken_ = true;
  // The end of the socket without the end of TLS: from a backend the response may be cut, which nothing else tells.
  if (saw_end_) return {is_server_ && direction == Direction::Read ? IoError::kEof : ECONNRESET};
  return {socket_error_ && !IoError{socket_error_}.would_block() ? socket_error_ : EPROTO};
}

IoResult TlsStream::try_read(std::span<char> into) {
  if (!is_secure_ || !is_open()) return Stream::try_read(into);
  set_wants(Direction::Read, kIn);
  std::size_t total = 0;
  IoError error;
  ERR_clear_error();
  do {
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_, into.data() + total, into.size() - total, &count);
    if (result != 1) {
      error = explain(result, Direction::Read);
      break;
    }
    total += count;
  } while (total < into.size() && SSL_has_pending(ssl_));
  if (total == 0) return {0, error};
  // Whatever else there is to be told, the next attempt tells it.
  if (error ? !error.would_block() : SSL_has_pending(ssl_) == 1) set_ready(kIn);
  return {total, {}};
}

IoResult TlsStream::try_write(std::string_view bytes) {
  if (!is_secure_ || !is_open()) return Stream::try_write(bytes);
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return write_gathered({&part, 1});
}

IoResult TlsStream::try_write(std::span<const iovec> parts) {
  if (!is_secure_ || !is_open()) return Stream::try_write(parts);
  return write_gathered(parts);
}

// Small pieces leave in one record, so that a head and its body need one call and one packet.
IoResult TlsStream::write_gathered(std::span<const iovec> parts) {
  set_wants(Direction::Write, kOut);
  Cursor cursor(parts);
  Buffer scratch;
  std::size_t done = 0;
  ERR_clear_error();
  while (!cursor.at_end()) {
    // A record that OpenSSL holds already, in part or whole, has to be offered again as it was.
    const std::size_t most = unsent_ != 0 ? unsent_ : record_size_;
    std::string_view record = cursor.front().substr(0, most);
    if (record.size() < most && !cursor.is_last()) {
      if (!scratch) scratch = loop().buffers().take(BufferSize::k16K);
      record = {scratch.data(), cursor.copy(scratch.data(), most)};
    }
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, record.data(), record.size(), &written);
    if (result != 1) {
      const IoError error = explain(result, Direction::Write);
      if (error.would_block()) unsent_ = static_cast<std::uint32_t>(record.size());
      return {done, error};
    }
    unsent_ = 0;
    done += written;
    cursor.skip(written);
  }
  return {done, {}};
}

// --- the end

IoError TlsStream::shutdown_send() {
  before_close();
  return Stream::shutdown_send();
}

// Tells the peer that nothing follows, if the socket takes it; there is no waiting for that.
void TlsStream::before_close() {
  if (!is_secure_ || is_broken_ || is_closing_ || !is_open()) return;
  is_closing_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

TlsStream::~TlsStream() {
  if (!ssl_) return;
  before_close();
  // Else OpenSSL takes the session for one that went wrong and forgets it.
  if (is_secure_ && !is_broken_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

}  // namespace weir::net
