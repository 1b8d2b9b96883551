#include "socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::test {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address parse(const std::string& text) {
  Address address;
  if (text.starts_with("unix:")) {
    auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
    un.sun_family = AF_UNIX;
    const std::string path = text.substr(5);
    if (path.size() >= sizeof un.sun_path) throw SocketError("path too long: " + path);
    std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
    address.size = sizeof un;
    return address;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw SocketError("no port in " + text);
  const auto port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  if (text.starts_with('[')) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = port;
    if (::inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &in6.sin6_addr) != 1)
      throw SocketError("bad address " + text);
    address.size = sizeof in6;
  } else {
    auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
    in.sin_family = AF_INET;
    in.sin_port = port;
    if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &in.sin_addr) != 1)
      throw SocketError("bad address " + text);
    address.size = sizeof in;
  }
  return address;
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw SocketError(what + ": " + std::strerror(error));
}

IoStatus from_errno(int error) {
  return error == 0 ? IoStatus::Ok : IoStatus::Reset;
}

}  // namespace

const char* to_string(IoStatus status) {
  switch (status) {
    case IoStatus::Ok:
      return "ok";
    case IoStatus::Closed:
      return "closed";
    case IoStatus::Reset:
      return "reset";
    case IoStatus::Timeout:
      return "timeout";
    case IoStatus::Interrupted:
      return "interrupted";
  }
  return "?";
}

Socket::Socket(int fd) : fd_(fd) {
  if (fd_ >= 0) ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), interrupt_(std::exchange(other.interrupt_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    interrupt_ = std::exchange(other.interrupt_, -1);
  }
  return *this;
}

Socket Socket::connect(const std::string& text, milliseconds patience, int receive_buffer) {
  const Address address = parse(text);
  Socket socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) fail("socket", errno);
  if (receive_buffer > 0) ::setsockopt(socket.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const int on = 1;
  if (address.get()->sa_family != AF_UNIX) ::setsockopt(socket.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.fd_, address.get(), address.size) == 0) return socket;
  if (errno != EINPROGRESS) fail("connect to " + text, errno);
  if (socket.wait(POLLOUT, Clock::now() + patience) == IoStatus::Timeout)
    throw SocketError("connect to " + text + ": late");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) fail("connect to " + text, error);
  return socket;
}

Socket Socket::listen(const std::string& text, int backlog) {
  const Address address = parse(text);
  Socket socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) fail("socket", errno);
  const int on = 1;
  ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (text.starts_with("unix:")) ::unlink(text.c_str() + 5);
  if (::bind(socket.fd_, address.get(), address.size) != 0) fail("bind " + text, errno);
  if (::listen(socket.fd_, backlog) != 0) fail("listen " + text, errno);
  return socket;
}

Socket Socket::accept(milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    if (wait(POLLIN, deadline) != IoStatus::Ok) return {};
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return Socket(fd);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) return {};
  }
}

IoStatus Socket::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    pollfd fds[2] = {{fd_, events, 0}, {interrupt_, POLLIN, 0}};
    const int ready =
        ::poll(fds, interrupt_ >= 0 ? 2 : 1, static_cast<int>(std::clamp<long long>(left, 0, 3'600'000)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return IoStatus::Timeout;
    if (fds[1].revents != 0) return IoStatus::Interrupted;
    return IoStatus::Ok;
  }
}

IoStatus Socket::receive(std::string& into, std::size_t max, milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const std::size_t before = into.size();
  for (;;) {
    if (fd_ < 0) return IoStatus::Closed;
    if (const auto waited = wait(POLLIN, deadline); waited != IoStatus::Ok) return waited;
    into.resize(before + max);
    const auto got = ::recv(fd_, into.data() + before, max, 0);
    const int error = errno;
    into.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0) return IoStatus::Ok;
    if (got == 0) return IoStatus::Closed;
    if (error != EAGAIN && error != EINTR) return from_errno(error);
  }
}

IoStatus Socket::send(std::string_view bytes, milliseconds patience, std::size_t* sent) {
  const auto deadline = Clock::now() + patience;
  std::size_t total = 0;
  IoStatus status = IoStatus::Ok;
  while (!bytes.empty()) {
    if (fd_ < 0) {
      status = IoStatus::Closed;
      break;
    }
    const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) {
      total += static_cast<std::size_t>(put);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) {
      status = from_errno(errno);
      break;
    }
    status = wait(POLLOUT, deadline);
    if (status != IoStatus::Ok) break;
  }
  if (sent) *sent = total;
  return status;
}

bool Socket::ends_within(milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::string dropped;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const auto status = receive(dropped, 65'536, std::max(left, milliseconds(0)));
    if (status == IoStatus::Closed || status == IoStatus::Reset) return true;
    if (status != IoStatus::Ok) return false;
    dropped.clear();
  }
}

void Socket::shutdown_send() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::reset() {
  if (fd_ < 0) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

std::string Socket::local_address() const {
  sockaddr_in in{};
  socklen_t size = sizeof in;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&in), &size) != 0 || in.sin_family != AF_INET) return {};
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
}

}  // namespace weir::test
