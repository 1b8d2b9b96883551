// A backend that sends datagrams back, and clients of it, for bench/compare.
//
//   datagrams echo ADDRESS PORT
//   datagrams load PORT CLIENTS SECONDS OCTETS
//
// Each client sends one datagram, waits for its answer, and sends the next; one that does not come within a fifth of a second
// counts as failed. Prints `RESULT` and a JSON object, as steady does.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

sockaddr_in address_of(const char* text, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(text);
  return address;
}

void echo(const char* address, int port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in own = address_of(address, port);
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

void load(int port, int clients, double seconds, std::size_t size) {
  const int set = ::epoll_create1(0);
  const sockaddr_in proxy = address_of("127.0.0.1", port);
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
  std::vector<std::uint32_t> latencies;  // µs
  std::uint64_t lost = 0;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::array<epoll_event, 256> events;
  char answer[kLargest];
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), 50);
    for (int i = 0; i < count; ++i) {
      const std::size_t who = events[static_cast<std::size_t>(i)].data.u64;
      if (::recv(sockets[who], answer, sizeof answer, 0) < 0) continue;
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - asked[who]);
      latencies.push_back(static_cast<std::uint32_t>(took.count()));
      ask(who, Clock::now());
    }
    if (count == static_cast<int>(events.size())) continue;
    for (std::size_t who = 0; who < asked.size(); ++who)
      if (now - asked[who] > kPatience) ++lost, ask(who, now);
  }
  std::sort(latencies.begin(), latencies.end());
  if (latencies.empty()) latencies.push_back(0);
  const std::size_t last = latencies.size() - 1;
  std::printf("RESULT {\"requests\": %zu, \"duration_us\": %.0f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u, "
              "\"failed\": %llu}\n",
              last == 0 ? 0 : latencies.size(), seconds * 1e6, latencies[last / 2], latencies[last * 99 / 100],
              latencies.back(), static_cast<unsigned long long>(lost));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "echo" && argc == 4) echo(argv[2], std::atoi(argv[3]));
  if (what == "load" && argc == 6) {
    load(std::atoi(argv[2]), std::atoi(argv[3]), std::atof(argv[4]), static_cast<std::size_t>(std::atoi(argv[5])));
    return 0;
  }
  std::fprintf(stderr, "usage: datagrams echo ADDRESS PORT | load PORT CLIENTS SECONDS OCTETS\n");
  return 2;
}
