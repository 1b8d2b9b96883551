#include "udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "socket.h"

namespace weir::test {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address parse(const std::string& text) {
  Address result;
  const std::size_t colon = text.rfind(':');
  const auto port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  if (text.starts_with('[')) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    ::inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &v6.sin6_addr);
    result.length = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &v4.sin_addr);
    result.length = sizeof v4;
  }
  return result;
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return '[' + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
  ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return std::string(text) + ':' + std::to_string(ntohs(v4.sin_port));
}

[[noreturn]] void fail(const std::string& what) { throw SocketError(what + ": " + std::strerror(errno)); }

}  // namespace

UdpSocket::UdpSocket(const std::string& address) {
  const Address own = parse(address);
  fd_ = ::socket(own.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) fail("socket");
  const int much = 4 << 20;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &much, sizeof much);
  if (::bind(fd_, own.raw(), own.length) != 0) fail("bind " + address);
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

std::string UdpSocket::address() const {
  Address own;
  own.length = sizeof own.storage;
  ::getsockname(fd_, own.raw(), &own.length);
  return text_of(own);
}

std::uint16_t UdpSocket::port() const {
  const std::string text = address();
  return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
}

void UdpSocket::connect(const std::string& address) {
  const Address peer = parse(address);
  if (::connect(fd_, peer.raw(), peer.length) != 0) fail("connect " + address);
}

void UdpSocket::send(std::string_view octets) { (void)!::send(fd_, octets.data(), octets.size(), 0); }

void UdpSocket::send_to(std::string_view octets, const std::string& address) {
  const Address peer = parse(address);
  (void)!::sendto(fd_, octets.data(), octets.size(), 0, peer.raw(), peer.length);
}

std::optional<std::string> UdpSocket::receive(milliseconds patience, std::string* from) {
  const auto deadline = Clock::now() + patience;
  std::string octets(65'536, '\0');
  for (;;) {
    Address sender;
    sender.length = sizeof sender.storage;
    const ssize_t size = ::recvfrom(fd_, octets.data(), octets.size(), 0, sender.raw(), &sender.length);
    if (size >= 0) {
      octets.resize(static_cast<std::size_t>(size));
      if (from) *from = text_of(sender);
      return octets;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd wanted{fd_, POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(left.count()));
  }
}

UdpSocket udp_client(const std::string& address) {
  UdpSocket client(address.starts_with('[') ? "[::1]:0" : "127.0.0.1:0");
  client.connect(address);
  return client;
}

UdpBackend::UdpBackend(Script script, const std::string& address)
    : socket_(address), address_(socket_.address()), script_(std::move(script)), thread_([this] { run(); }) {}

std::unique_ptr<UdpBackend> UdpBackend::echoing(const std::string& name, const std::string& address) {
  return std::make_unique<UdpBackend>(
      [name](const std::string& octets, const std::string&) { return std::vector<std::string>{name + ':' + octets}; }, address);
}

UdpBackend::~UdpBackend() {
  stopping_ = true;
  thread_.join();
}

std::size_t UdpBackend::count() const {
  const std::lock_guard lock(mutex_);
  return received_.size();
}

std::size_t UdpBackend::senders() const {
  const std::lock_guard lock(mutex_);
  return senders_.size();
}

std::vector<std::string> UdpBackend::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void UdpBackend::run() {
  while (!stopping_) {
    std::string from;
    const auto octets = socket_.receive(milliseconds(20), &from);
    if (!octets) continue;
    {
      const std::lock_guard lock(mutex_);
      received_.push_back(*octets);
      if (std::find(senders_.begin(), senders_.end(), from) == senders_.end()) senders_.push_back(from);
    }
    for (const std::string& answer : script_(*octets, from)) socket_.send_to(answer, from);
  }
}

}  // namespace weir::test
