// The least that a proxy can cost: what the kernel takes to bring a request to the backend and its answer back.
//
// A relay of bytes over edge-triggered epoll: two receives and two sends for a small request, one backend connection
// for each client, nothing parsed, logged or limited. It has no back-pressure: what a send does not take at once is
// lost, so it is for small messages only, and it says so by ending.
//
//   floor PORT BACKEND_PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

sockaddr_in loopback(const char* address, const char* port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Relay {
 public:
  Relay(int listener, const sockaddr_in& backend) : listener_(listener), backend_(backend) { watch(listener, EPOLLIN); }

  void run() {
    epoll_event events[512];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 512, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) accept_one();
        else pass_on(events[i].data.fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what) {
    epoll_event event{what, {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
  }

  void accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (client < 0) return;
    const int backend = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(backend, reinterpret_cast<const sockaddr*>(&backend_), sizeof backend_) != 0) give_up("connect");
    const int on = 1;
    for (const int fd : {client, backend}) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (peers_.size() <= static_cast<std::size_t>(fd)) peers_.resize(static_cast<std::size_t>(fd) + 1);
      watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
    peers_[static_cast<std::size_t>(client)] = backend;
    peers_[static_cast<std::size_t>(backend)] = client;
  }

  void pass_on(int fd) {
    int& peer = peers_[static_cast<std::size_t>(fd)];
    if (peer < 0) return;  // closed earlier in this round
    const ssize_t size = recv(fd, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (size > 0) {
      if (send(peer, buffer_, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) give_up("send");
    } else if (size == 0) {
      close(fd);
      close(peer);
      peers_[static_cast<std::size_t>(peer)] = -1;
      peer = -1;
    }
  }

  int listener_;
  sockaddr_in backend_;
  int epoll_ = epoll_create1(0);
  std::vector<int> peers_;
  char buffer_[65536];
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = loopback("127.0.0.1", arguments[1]);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) give_up("bind");
  if (listen(listener, 4096) != 0) give_up("listen");
  static Relay relay(listener, loopback("127.1.0.1", arguments[2]));
  relay.run();
}
