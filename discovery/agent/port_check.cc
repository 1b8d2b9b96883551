#include "agent/port_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace weir::discovery {
namespace {

// `address` is canonical, so the last colon separates the port.
socklen_t to_sockaddr(const std::string& address, sockaddr_storage& storage) {
  const auto colon = address.rfind(':');
  const std::uint16_t port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
  storage = {};
  if (address.front() == '[') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    inet_pton(AF_INET6, address.substr(1, colon - 2).c_str(), &v6.sin6_addr);
    return sizeof v6;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = port;
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &v4.sin_addr);
  return sizeof v4;
}

}  // namespace

bool accepts_connections(const std::string& address, std::chrono::milliseconds patience) {
  sockaddr_storage storage;
  const socklen_t length = to_sockaddr(address, storage);
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int error = connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
    socklen_t size = sizeof error;
    if (poll(&writable, 1, static_cast<int>(patience.count())) != 1) error = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  close(fd);
  return error == 0;
}

PortCheck::PortCheck(Settings settings, std::function<void(bool)> on_change)
    : settings_(std::move(settings)), on_change_(std::move(on_change)), thread_([this] { run(); }) {}

PortCheck::~PortCheck() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void PortCheck::run() {
  std::optional<bool> is_up;
  int in_a_row = 0;
  bool last = false;
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    const bool passes = accepts_connections(settings_.address, settings_.patience);
    in_a_row = passes == last ? in_a_row + 1 : 1;
    last = passes;
    if (is_up != passes && in_a_row >= (passes ? settings_.rise : is_up ? settings_.fall : 1)) {
      is_up = passes;
      on_change_(passes);
    }
    lock.lock();
    wake_.wait_for(lock, settings_.interval, [this] { return is_stopping_; });
  }
}

}  // namespace weir::discovery
