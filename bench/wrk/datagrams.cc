// A backend that sends datagrams back, and clients of it, for bench/udp/compare.
//
//   datagrams echo PORT
//   datagrams load PORT CLIENTS SECONDS OCTETS
//
// Each client sends one datagram, waits for its answer, and sends the next; one that does not come within a fifth of a second
// counts as lost. Prints `answers LOST` and nothing else.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBatch = 64, kLargest = 2048;
constexpr std::chrono::milliseconds kPatience{200};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

void echo(int port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in own = loopback(port);
  const int much = 4 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &much, sizeof much);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) fail("bind");
  static std::array<std::array<char, kLargest>, kBatch> octets;
  std::array<mmsghdr, kBatch> heads;
  std::array<iovec, kBatch> parts;
  std::array<sockaddr_in, kBatch> peers;
  for (;;) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets[i].data(), kLargest};
      heads[i] = {};
      heads[i].msg_hdr.msg_iov = &parts[i];
      heads[i].msg_hdr.msg_iovlen = 1;
      heads[i].msg_hdr.msg_name = &peers[i];
      heads[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
    const int count = ::recvmmsg(fd, heads.data(), kBatch, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < count; ++i) parts[static_cast<std::size_t>(i)].iov_len = heads[static_cast<std::size_t>(i)].msg_len;
    for (int sent = 0; sent < count;) {
      const int done = ::sendmmsg(fd, heads.data() + sent, static_cast<unsigned>(count - sent), 0);
      sent += done > 0 ? done : 1;
    }
  }
}

void load(int port, int clients, int seconds, std::size_t size) {
  const int set = ::epoll_create1(0);
  const sockaddr_in proxy = loopback(port);
  const std::string text(size, 'x');
  std::vector<Clock::time_point> asked(static_cast<std::size_t>(clients));
  std::vector<int> sockets;
  const auto ask = [&](std::size_t who, Clock::time_point now) {
    asked[who] = now;
    (void)!::send(sockets[who], text.data(), text.size(), 0);
  };
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&proxy), sizeof proxy) != 0) fail("connect");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    sockets.push_back(fd);
    ask(i, Clock::now());
  }
  std::uint64_t answers = 0, lost = 0;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  std::array<epoll_event, 256> events;
  char answer[kLargest];
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), 50);
    for (int i = 0; i < count; ++i) {
      const std::size_t who = events[static_cast<std::size_t>(i)].data.u64;
      if (::recv(sockets[who], answer, sizeof answer, 0) < 0) continue;
      ++answers;
      ask(who, now);
    }
    if (count == static_cast<int>(events.size())) continue;
    for (std::size_t who = 0; who < asked.size(); ++who)
      if (now - asked[who] > kPatience) ++lost, ask(who, now);
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(answers), static_cast<unsigned long long>(lost));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "echo" && argc == 3) echo(std::atoi(argv[2]));
  if (what == "load" && argc == 6) {
    load(std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), static_cast<std::size_t>(std::atoi(argv[5])));
    return 0;
  }
  std::fprintf(stderr, "usage: datagrams echo PORT | load PORT CLIENTS SECONDS OCTETS\n");
  return 2;
}
