#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <utility>

#include "net/piece_cursor.h"

namespace weir::net {

namespace {

/// What OpenSSL's queue of errors still says would be taken for what comes next. Looking costs a tenth of clearing it.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

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

/// As SSL_read_ex, in the handshake as well.
int TlsStream::read_record(std::span<char> into, std::size_t& count) {
  if (early_ != Early::Comes) return SSL_read_ex(ssl_, into.data(), into.size(), &count);
  if (has_early_octet_) {
    has_early_octet_ = false;
    into[0] = early_octet_;
    count = 1;
    return 1;
  }
  // OpenSSL cannot read early data while a record of ours is waiting to be sent.
  if (unsent_ != 0) return 0;
  switch (SSL_read_early_data(ssl_, into.data(), into.size(), &count)) {
    case SSL_READ_EARLY_DATA_SUCCESS: return 1;
    case SSL_READ_EARLY_DATA_FINISH:
      early_ = Early::Ended;
      return SSL_read_ex(ssl_, into.data(), into.size(), &count);
    default: return 0;
  }
}

/// As SSL_write_ex, in the handshake as well.
int TlsStream::write_record(std::string_view record, std::size_t& written) {
  if (early_ == Early::Comes) return SSL_write_early_data(ssl_, record.data(), record.size(), &written);
  const int result = SSL_write_ex(ssl_, record.data(), record.size(), &written);
  if (early_ == Early::Ended && SSL_is_init_finished(ssl_)) {
    early_ = Early::Over;
    if (SSL_has_pending(ssl_)) set_ready(kIn);  // what came with the end of the handshake
  }
  return result;
}

/// The handshake cannot be completed any more, so what comes is of no use; but unread it would make a reset of our end.
IoResult TlsStream::drop(std::span<char> into) {
  const IoResult got = Stream::try_read(into);
  return {0, got.bytes != 0 ? IoError{EAGAIN} : got.error};
}

IoResult TlsStream::try_read(std::span<char> into) {
  if (!is_secure_ || !is_open()) return Stream::try_read(into);
  if (!input_pending()) return {0, {EAGAIN}};
  if (is_closing_ && !SSL_is_init_finished(ssl_)) return drop(into);
  set_wants(Direction::Read, kIn);
  std::size_t total = 0;
  IoError error;
  forget_errors();
  do {
    std::size_t count = 0;
    const int result = read_record(into.subspan(total), count);
    if (result != 1) {
      error = explain(result, Direction::Read);
      break;
    }
    total += count;
  } while (total < into.size() && (SSL_has_pending(ssl_) || early_ == Early::Comes));
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
  PieceCursor cursor(parts);
  Buffer scratch;
  std::size_t done = 0;
  forget_errors();
  while (!cursor.at_end()) {
    // A record that OpenSSL holds already, in part or whole, has to be offered again as it was.
    const std::size_t most = unsent_ != 0 ? unsent_ : record_size_;
    std::string_view record = cursor.front().substr(0, most);
    if (record.size() < most && !cursor.is_last()) {
      if (!scratch) scratch = loop().buffers().take(BufferSize::k16K);
      record = {scratch.data(), cursor.copy(scratch.data(), most)};
    }
    more_follows_ = record.size() < cursor.left();
    std::size_t written = 0;
    const int result = write_record(record, written);
    more_follows_ = false;
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
  if (!says_goodbye_) return Stream::shutdown_send();
  set_wants(Direction::Write, kOut);
  return {EAGAIN};
}

/// Completes the handshake if what the client sent for it is here already.
void TlsStream::finish_early() {
  if (early_ == Early::Comes && !has_early_octet_ && unsent_ == 0) {
    std::size_t count = 0;
    switch (SSL_read_early_data(ssl_, &early_octet_, 1, &count)) {
      case SSL_READ_EARLY_DATA_SUCCESS: has_early_octet_ = count == 1; break;
      case SSL_READ_EARLY_DATA_FINISH: early_ = Early::Ended; break;
      default: break;
    }
  }
  if (early_ == Early::Ended) SSL_do_handshake(ssl_);
}

// Tells the peer that nothing follows, if the socket takes it; there is no waiting for that here.
void TlsStream::before_close() {
  if (inquiry_) inquiry_->cancel();
  if (!is_secure_ || is_broken_ || (is_closing_ && !says_goodbye_) || !is_open()) return;
  forget_errors();
  if (!std::exchange(is_closing_, true)) finish_early();
  says_goodbye_ = false;
  if (!SSL_is_init_finished(ssl_)) return;  // there is nothing to end
  const int result = SSL_shutdown(ssl_);
  says_goodbye_ = result < 0 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_WRITE;
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
