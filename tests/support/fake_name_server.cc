#include "fake_name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace weir::test {
namespace {

constexpr std::uint16_t kA = 1, kSrv = 33;
constexpr std::size_t kHead = 12;

void put16(std::string& packet, std::uint16_t value) {
  packet += static_cast<char>(value >> 8);
  packet += static_cast<char>(value & 0xff);
}

void put_name(std::string& packet, const std::string& name) {
  std::size_t from = 0;
  while (from < name.size()) {
    const std::size_t dot = std::min(name.find('.', from), name.size());
    packet += static_cast<char>(dot - from);
    packet += name.substr(from, dot - from);
    from = dot + 1;
  }
  packet += '\0';
}

/// A record of the name that was asked for.
void put_record(std::string& packet, std::uint16_t type, const std::string& data) {
  put16(packet, 0xc00c);
  put16(packet, type);
  put16(packet, 1);
  put16(packet, 0);
  put16(packet, 1);  // lives for a second
  put16(packet, static_cast<std::uint16_t>(data.size()));
  packet += data;
}

}  // namespace

FakeNameServer::FakeNameServer() {
  socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port_.number());
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || stop_event_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("the test's name server cannot listen");
  thread_ = std::thread([this] { run(); });
}

FakeNameServer::~FakeNameServer() {
  ::eventfd_write(stop_event_, 1);
  thread_.join();
  ::close(socket_);
  ::close(stop_event_);
}

void FakeNameServer::set(const std::string& name, Zone zone) {
  const std::lock_guard lock(mutex_);
  zones_[name] = std::move(zone);
}

void FakeNameServer::set_others(Zone zone) {
  const std::lock_guard lock(mutex_);
  others_ = std::move(zone);
}

std::uint64_t FakeNameServer::questions(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto known = questions_.find(name);
  return known == questions_.end() ? 0 : known->second;
}

void FakeNameServer::run() {
  for (;;) {
    pollfd both[] = {{socket_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    if (::poll(both, 2, -1) < 0) continue;
    if (both[1].revents != 0) return;
    char packet[512];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(socket_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got < static_cast<ssize_t>(kHead)) continue;
    const std::string reply = answer(std::string(packet, static_cast<std::size_t>(got)));
    if (!reply.empty()) ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }
}

std::string FakeNameServer::answer(const std::string& question) {
  std::string name;
  std::size_t at = kHead;
  while (at < question.size() && question[at] != '\0') {
    const auto length = static_cast<unsigned char>(question[at]);
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > question.size()) return {};
  const std::uint16_t type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 |
                                                        static_cast<unsigned char>(question[at + 2]));
  const std::lock_guard lock(mutex_);
  ++questions_[name];
  const auto known = zones_.find(name);
  const Zone zone = known != zones_.end() ? known->second : others_;
  if (zone.silent) return {};
  std::string records;
  std::uint16_t count = 0;
  if (zone.code == 0 && type == kA)
    for (const std::string& address : zone.addresses) {
      in_addr octets{};
      ::inet_pton(AF_INET, address.c_str(), &octets);
      put_record(records, kA, std::string(reinterpret_cast<const char*>(&octets), 4));
      ++count;
    }
  if (zone.code == 0 && type == kSrv)
    for (const Service& service : zone.services) {
      std::string data;
      for (const std::uint16_t number : {service.priority, service.weight, service.port}) put16(data, number);
      put_name(data, service.target);
      put_record(records, kSrv, data);
      ++count;
    }
  std::string reply = question.substr(0, 2);
  put16(reply, static_cast<std::uint16_t>(0x8180 | zone.code));
  for (const std::uint16_t number : {std::uint16_t{1}, count, std::uint16_t{0}, std::uint16_t{0}}) put16(reply, number);
  return reply + question.substr(kHead, at + 5 - kHead) + records;
}

}  // namespace weir::test
