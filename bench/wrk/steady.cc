// A load at a fixed rate, for latency: what a closed loop such as wrk's cannot show.
//
// Requests are due at fixed times whether or not earlier ones were answered, and each is timed from when it was due, so
// a proxy that stalls is charged for all who had to wait (no coordinated omission). One thread, plain HTTP/1.1 GETs over
// kept-alive connections; a request that is due while every connection is busy waits for the next free one.
//
//   steady ADDRESS PORT PATH CONNECTIONS REQUESTS_PER_SECOND SECONDS [FIELD-LINE]...
//
// Prints one line, `RESULT {…}`, as load.lua does for wrk. Exit code 0, 1 if nothing was answered, 2 for misuse.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Connection {
  int fd = -1;
  Time due;              // of the request under way
  std::string received;  // of its answer
  bool busy = false;
};

struct Result {
  std::vector<std::uint32_t> latencies;  // µs
  std::uint64_t failed = 0;
};

int connect_to(const char* address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) return -1;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

/// Whether `answer` is complete: a head with a Content-Length, and its body.
bool is_whole(std::string_view answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == answer.npos) return false;
  constexpr std::string_view kName = "ontent-";  // "Content-Length:", whose capitals HAProxy does not write
  for (std::size_t at = answer.find(kName); at < end; at = answer.find(kName, at + 1)) {
    if (::strncasecmp(answer.data() + at, "ontent-length:", 14) != 0) continue;
    return answer.size() - end - 4 >= std::strtoull(answer.data() + at + 14, nullptr, 10);
  }
  return false;
}

class Load {
 public:
  Load(const char* address, std::uint16_t port, std::string request, std::size_t connections)
      : address_(address), port_(port), request_(std::move(request)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    connections_.resize(connections);
    for (Connection& connection : connections_) open(connection);
  }
  ~Load() {
    for (const Connection& connection : connections_) ::close(connection.fd);
    ::close(epoll_);
  }

  Result run(double rate, double seconds) {
    const auto between = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / rate));
    const auto count = static_cast<std::uint64_t>(rate * seconds);
    const Time start = Clock::now() + std::chrono::milliseconds(10);
    const Time give_up = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds + 5));
    std::uint64_t sent = 0;
    const auto due = [&]() -> Time { return start + between * static_cast<std::int64_t>(sent); };
    while (result_.latencies.size() + result_.failed < count && Clock::now() < give_up) {
      for (Time now = Clock::now(); sent < count && due() <= now && send(due());) ++sent;
      const bool waits_for_time = sent < count && !free_.empty();
      receive(waits_for_time ? due() : Clock::now() + std::chrono::milliseconds(100));
    }
    result_.failed += count - std::min(count, result_.latencies.size() + result_.failed);
    return std::move(result_);
  }

 private:
  void open(Connection& connection) {
    connection.busy = false;
    connection.received.clear();
    connection.fd = connect_to(address_, port_);
    if (connection.fd < 0) return;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
    free_.push_back(&connection);
  }

  bool send(Time due) {
    if (free_.empty()) return false;
    Connection& connection = *free_.back();
    free_.pop_back();
    connection.busy = true;
    connection.due = due;
    // Some hundred octets on an idle connection: they fit, or it is dead, which shows when it is read.
    if (::send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) end(connection, false);
    return true;
  }

  void receive(Time until) {
    const auto left = std::max(Clock::duration::zero(), until - Clock::now());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec limit{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    epoll_event events[256];
    const int count = epoll_pwait2(epoll_, events, 256, &limit, nullptr);
    for (int i = 0; i < count; ++i) read(*static_cast<Connection*>(events[i].data.ptr));
  }

  void read(Connection& connection) {
    char buffer[65536];
    const ssize_t count = ::recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return end(connection, false);
    connection.received.append(buffer, static_cast<std::size_t>(count));
    if (is_whole(connection.received)) end(connection, connection.received.starts_with("HTTP/1.1 200 "));
  }

  /// The exchange is over; a connection that failed is replaced.
  void end(Connection& connection, bool well) {
    if (connection.busy && well) {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.due).count();
      result_.latencies.push_back(static_cast<std::uint32_t>(took));
    } else if (connection.busy) {
      ++result_.failed;
    }
    if (well) {
      connection.busy = false;
      connection.received.clear();
      free_.push_back(&connection);
      return;
    }
    std::erase(free_, &connection);
    ::close(connection.fd);
    open(connection);
  }

  const char* address_;
  std::uint16_t port_;
  std::string request_;
  int epoll_;
  std::vector<Connection> connections_;
  std::vector<Connection*> free_;
  Result result_;
};

std::uint32_t percentile(const std::vector<std::uint32_t>& sorted, double part) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int count, char** words) {
  if (count < 7) {
    std::fprintf(stderr, "usage: steady ADDRESS PORT PATH CONNECTIONS REQUESTS_PER_SECOND SECONDS [FIELD-LINE]...\n");
    return 2;
  }
  std::string request = "GET " + std::string(words[3]) + " HTTP/1.1\r\nHost: " + words[1] + ":" + words[2] + "\r\n";
  for (int i = 7; i < count; ++i) request += std::string(words[i]) + "\r\n";
  request += "\r\n";
  const double rate = std::atof(words[5]), seconds = std::atof(words[6]);
  if (rate < 1 || rate > 1e6 || seconds <= 0 || seconds > 600) return 2;

  Load load(words[1], static_cast<std::uint16_t>(std::atoi(words[2])), std::move(request),
            static_cast<std::size_t>(std::clamp(std::atoi(words[4]), 1, 10'000)));
  Result result = load.run(rate, seconds);
  std::sort(result.latencies.begin(), result.latencies.end());
  if (result.latencies.empty()) return 1;
  std::printf("RESULT {\"requests\": %zu, \"duration_us\": %.0f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u, "
              "\"failed\": %llu}\n",
              result.latencies.size(), seconds * 1e6, percentile(result.latencies, 0.5),
              percentile(result.latencies, 0.99), result.latencies.back(),
              static_cast<unsigned long long>(result.failed));
}
