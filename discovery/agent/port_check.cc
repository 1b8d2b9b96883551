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

using Clock = std::chrono::steady_clock;

// A connected socket that does not block, closed at the end; none if nothing accepted within the time.
class Connection {
 public:
  Connection(const std::string& address, Clock::time_point deadline) : deadline_(deadline) {
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(address, storage);
    fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return;
    int error = ::connect(fd_, reinterpret_cast<const sockaddr*>(&storage), length) == 0 ? 0 : errno;
    socklen_t size = sizeof error;
    if (error == EINPROGRESS && (!wait(POLLOUT) || ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0))
      error = ETIMEDOUT;
    is_connected_ = error == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return is_connected_; }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      else if (errno != EAGAIN || !wait(POLLOUT)) return false;
    }
    return true;
  }
  /// At least `least` octets, or what came before the end.
  std::string receive(std::size_t least) {
    std::string text;
    char buffer[256];
    while (text.size() < least) {
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
      else if (got == 0 || errno != EAGAIN || !wait(POLLIN)) break;
    }
    return text;
  }

 private:
  bool wait(short events) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd descriptor{.fd = fd_, .events = events, .revents = 0};
    return left > 0 && ::poll(&descriptor, 1, static_cast<int>(left)) == 1;
  }

  const Clock::time_point deadline_;
  int fd_ = -1;
  bool is_connected_ = false;
};

}  // namespace

bool accepts_connections(const std::string& address, std::chrono::milliseconds patience) {
  return static_cast<bool>(Connection(address, Clock::now() + patience));
}

bool answers_http(const std::string& address, const std::string& path, std::chrono::milliseconds patience) {
  Connection connection(address, Clock::now() + patience);
  if (!connection) return false;
  if (!connection.send("GET " + path + " HTTP/1.1\r\nHost: " + address +
                       "\r\nUser-Agent: weir-agent\r\nConnection: close\r\n\r\n")) {
    return false;
  }
  constexpr std::string_view kBefore = "HTTP/1.";
  const std::string head = connection.receive(kBefore.size() + 5);  // `HTTP/1.1 200`
  return head.size() >= kBefore.size() + 5 && head.starts_with(kBefore) && head[8] == ' ' &&
         (head[9] == '2' || head[9] == '3');
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
    const bool passes = settings_.http_path.empty()
                            ? accepts_connections(settings_.address, settings_.patience)
                            : answers_http(settings_.address, settings_.http_path, settings_.patience);
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
