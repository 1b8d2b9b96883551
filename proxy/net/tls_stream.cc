#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/piece_cursor.h"

namespace weir::net {

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
  PieceCursor cursor(parts);
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
    more_follows_ = record.size() < cursor.left();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, record.data(), record.size(), &written);
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
