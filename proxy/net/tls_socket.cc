// TlsStream's socket, as OpenSSL sees it.
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

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
  // Records that leave one after the other leave as one large packet: each push of its own costs more than the copy.
  const int flags = MSG_NOSIGNAL | (self.more_follows_ ? MSG_MORE : 0);
  ssize_t count;
  do count = ::send(self.fd(), from, static_cast<std::size_t>(size), flags);
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
