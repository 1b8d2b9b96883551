// TlsStream's socket, as OpenSSL sees it.
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/plain_calls.h"
#include "net/tls_stream.h"

namespace weir::net {

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
  do count = plain::recv(self.fd(), into, static_cast<std::size_t>(size), 0);
  while (count < 0 && errno == EINTR);
  if (count > 0) {
    if (count < size) self.note_short_read();
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

/// Whether what is sent now may wait for what is sent next: each packet of its own costs more than the copy.
bool TlsStream::has_more_to_come() const {
  if (more_follows_ || is_closing_ || is_ending()) return true;  // another record; the end of the socket, right after the goodbye
  if (is_secure_ && early_ == Early::Over) return false;  // the handshake is over, its tickets are gone
  // Tickets, which nobody waits for: they leave with the first answer, or when the kernel has waited long enough (0.2 s).
  return is_server_ && SSL_get_state(ssl_) == TLS_ST_SW_SESSION_TICKET;
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.is_open()) {
    self.socket_error_ = ECANCELED;
    return -1;
  }
  const int flags = MSG_NOSIGNAL | (self.has_more_to_come() ? MSG_MORE : 0);
  ssize_t count;
  do count = plain::send(self.fd(), from, static_cast<std::size_t>(size), flags);
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

}  // namespace weir::net
