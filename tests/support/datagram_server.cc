#include "datagram_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "wait.h"

namespace weir::test {

DatagramServer::DatagramServer() : port_(std::in_place), address_(port_->address()) {
  socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port_->number());
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("the datagram server has no port");
}

DatagramServer::DatagramServer(const std::string& path) : address_("unix:" + path) {
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  ::unlink(path.c_str());
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("the datagram server cannot bind " + path);
}

DatagramServer::~DatagramServer() { ::close(socket_); }

bool DatagramServer::has_one() const {
  pollfd ready{socket_, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

std::optional<std::string> DatagramServer::receive() const {
  if (!wait_until([this] { return has_one(); })) return std::nullopt;
  std::string datagram(65536, '\0');
  const ssize_t size = ::recv(socket_, datagram.data(), datagram.size(), 0);
  if (size < 0) return std::nullopt;
  datagram.resize(static_cast<std::size_t>(size));
  return datagram;
}

}  // namespace weir::test
