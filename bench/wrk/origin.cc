// The server behind the proxies that bench/compare measures.
//
// It shares a core with the load generator, so it does as little as an HTTP/1.1 server can: one thread,
// edge-triggered epoll, answers prepared at the start. It trusts its peers (they are proxies under test), but not
// with its memory: a request head that does not fit its buffer closes the connection.
//
//   origin ADDRESS PORT
//
// `/128`, `/10k`, `/1m`: a body of that size with Content-Length; `/chunked10k`: 10 KiB in one chunk. A request's own
// body (Content-Length only) is read and dropped before the answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::size_t kHeadLimit = 8192;

/// One prepared answer.
struct Answer {
  std::string_view path;
  std::string bytes;
};

std::string head(std::string_view framing) {
  return "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
         "Content-Type: application/octet-stream\r\nCache-Control: max-age=60\r\nETag: \"5f2a-1c\"\r\n" +
         std::string(framing) + "\r\n\r\n";
}

std::string sized(std::size_t size) {
  return head("Content-Length: " + std::to_string(size)) + std::string(size, 'x');
}

std::string chunked(std::size_t size) {
  char length[32];
  std::snprintf(length, sizeof length, "%zx\r\n", size);
  return head("Transfer-Encoding: chunked") + length + std::string(size, 'x') + "\r\n0\r\n\r\n";
}

const Answer& answer_for(std::string_view path) {
  static const std::array<Answer, 5> answers = {Answer{"/128", sized(128)}, Answer{"/10k", sized(10240)},
                                                Answer{"/1m", sized(1 << 20)}, Answer{"/chunked10k", chunked(10240)},
                                                Answer{"", sized(0)}};
  for (const Answer& answer : answers)
    if (answer.path == path || answer.path.empty()) return answer;
  return answers.back();
}

/// The value of `name` (lower case, with `\r\n` before and `:` behind) in a head, or empty.
std::string_view field(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; };
  const auto found = std::search(head.begin(), head.end(), name.begin(), name.end(), same);
  if (found == head.end()) return {};
  std::string_view value = head.substr(static_cast<std::size_t>(found - head.begin()) + name.size());
  value = value.substr(0, value.find('\r'));
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  return value;
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  /// Goes on as far as the socket allows, after the epoll events `events`. False: the connection is finished.
  bool proceed(std::uint32_t events) {
    if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) drained_ = false;
    while (true) {
      if (!pending_.empty()) {
        const ssize_t sent = send(fd_, pending_.data(), pending_.size(), MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN;
        pending_.remove_prefix(static_cast<std::size_t>(sent));
        if (pending_.empty() && last_) return false;
      } else if (!next_answer() && !receive()) {
        return alive_;
      }
    }
  }

 private:
  /// Takes one request out of the buffer. False: it is not there completely.
  bool next_answer() {
    skip_body();
    if (due_ == nullptr && !read_head()) return false;
    skip_body();
    if (body_left_ > 0) return false;
    pending_ = std::exchange(due_, nullptr)->bytes;
    return true;
  }

  void skip_body() {
    const std::size_t skipped = std::min<std::size_t>(body_left_, end_ - begin_);
    body_left_ -= skipped;
    begin_ += skipped;
  }

  bool read_head() {
    const std::string_view rest(buffer_ + begin_, end_ - begin_);
    const std::size_t size = rest.find("\r\n\r\n");
    if (size == rest.npos) return false;
    const std::string_view head = rest.substr(0, size + 2);
    const std::size_t path = std::min(head.find(' '), head.size() - 1) + 1;
    due_ = &answer_for(head.substr(path, head.find(' ', path) - path));
    if (head[0] != 'G') {
      const std::string_view length = field(head, "\r\ncontent-length:");
      std::from_chars(length.data(), length.data() + length.size(), body_left_);
    }
    last_ = field(head, "\r\nconnection:") == "close";
    begin_ += size + 4;
    return true;
  }

  /// Reads more. False: there is nothing now, or (then not `alive_`) never.
  bool receive() {
    if (drained_) return false;
    std::copy(buffer_ + begin_, buffer_ + end_, buffer_);
    end_ -= std::exchange(begin_, 0);
    const std::size_t space = sizeof buffer_ - end_;
    const ssize_t got = space == 0 ? 0 : recv(fd_, buffer_ + end_, space, 0);
    if (got > 0) {
      drained_ = static_cast<std::size_t>(got) < space;  // edge-triggered: more brings its own event
      end_ += static_cast<std::size_t>(got);
      return true;
    }
    alive_ = got < 0 && errno == EAGAIN;
    return false;
  }

  int fd_;
  std::string_view pending_;     // of the answer being sent
  const Answer* due_ = nullptr;  // the answer once the request's body is read
  std::uint64_t body_left_ = 0;
  bool last_ = false, drained_ = false, alive_ = true;
  std::size_t begin_ = 0, end_ = 0;
  char buffer_[kHeadLimit];
};

/// Accepts and serves for ever.
class Server {
 public:
  explicit Server(int listener) : listener_(listener), epoll_(epoll_create1(0)) {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* const connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr)
          accept_one();
        else if (!connection->proceed(events[static_cast<std::size_t>(i)].events))
          delete connection;  // closing also takes it out of the epoll set
      }
    }
  }

 private:
  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = new Connection(fd)}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  int listener_, epoll_;
};

int listen_on(const char* address, const char* port) {
  sockaddr_in target = {};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited by what is accepted
  if (inet_pton(AF_INET, address, &target.sin_addr) != 1 ||
      bind(fd, reinterpret_cast<sockaddr*>(&target), sizeof target) != 0 || listen(fd, 4096) != 0) {
    std::perror("origin: listen");
    std::exit(1);
  }
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: origin ADDRESS PORT\n");
    return 1;
  }
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Server(listen_on(argv[1], argv[2])).run();
}
