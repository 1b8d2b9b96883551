// What the tests of net share: sockets in pairs, and running a coroutine to its end with a limit.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "net/loop.h"
#include "net/stream.h"
#include "net/task.h"

namespace weir::net {

using namespace std::chrono_literals;

/// Ends the process when a test hangs; a suspended coroutine cannot be taken down in order.
class Watchdog : private Timer {
 public:
  explicit Watchdog(Loop& loop, std::chrono::seconds limit = 20s) : Timer(loop.timers()) { arm(limit); }

 private:
  void on_timer() override {
    std::fprintf(stderr, "the test did not end in time\n");
    std::abort();
  }
};

inline Task<> stop_after(Loop& loop, Task<> task) {
  co_await task;
  loop.stop();
}

/// Runs `task` to its end.
inline void run(Loop& loop, Task<> task) {
  Watchdog watchdog(loop);
  spawn(stop_after(loop, std::move(task)));
  loop.run();
}

/// Runs turns of the loop until `condition` holds.
template <class Condition>
Task<> until(Loop& loop, Condition condition) {
  while (!condition()) co_await sleep(loop, 1ms);
}

/// A stream and the bare, blocking descriptor at its other end.
struct Pair {
  std::unique_ptr<Stream> stream;
  int peer = -1;

  Pair(Loop& loop, int ours, int theirs) : stream(std::make_unique<Stream>(loop, ours)), peer(theirs) {
    fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
  }
  Pair(Pair&&) = delete;
  ~Pair() { close_peer(); }
  void close_peer() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void peer_sends(std::string_view text) const {
    ASSERT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string peer_receives(std::size_t at_most = 65536) const {
    std::string text(at_most, '\0');
    const ssize_t count = ::recv(peer, text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
};

/// A listening socket on loopback, blocking, with a port of the system's choice.
inline int listen_on_loopback(int backlog = 128) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd, backlog), 0);
  return fd;
}

/// A blocking connection to the address `listening` is bound to.
inline int connect_to(int listening) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  return fd;
}

inline std::pair<int, int> unix_pair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {fds[0], fds[1]};
}

inline std::pair<int, int> tcp_pair() {
  const int listening = listen_on_loopback();
  const int client = connect_to(listening);
  const int server = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listening);
  return {server, client};
}

/// Both kinds, for tests that must hold on either.
using MakePair = std::pair<int, int> (*)();

}  // namespace weir::net
