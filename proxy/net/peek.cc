#include "net/peek.h"

#include <sys/socket.h>

#include <cerrno>

namespace weir::net {

IoResult peek(const Stream& stream, std::span<char> into) {
  if (!stream.is_open()) return {0, {ECANCELED}};
  ssize_t count;
  do count = ::recv(stream.fd(), into.data(), into.size(), MSG_PEEK);
  while (count < 0 && errno == EINTR);
  if (count < 0) return {0, {errno}};
  return {static_cast<std::size_t>(count), {count == 0 ? IoError::kEof : 0}};
}

}  // namespace weir::net
