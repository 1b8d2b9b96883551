// Endpoint: the address of a socket, as a value.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

class Endpoint {
 public:
  /// No address.
  Endpoint() : length_(0) { address_.any.sa_family = AF_UNSPEC; }
  /// Copies what the kernel gave. `length`: bytes that are valid, at most sizeof(sockaddr_un).
  Endpoint(const sockaddr* address, socklen_t length);

  /// Reads `1.2.3.4:80`, `[::1]:80` or `unix:/path`; no names, a port is required (0 to 65535). Nothing if it is not
  /// one of these or the path is too long.
  static std::optional<Endpoint> parse(std::string_view text);
  /// Address without port, such as `1.2.3.4`, `::1` or `[::1]`, joined with `port`.
  static std::optional<Endpoint> from_address(std::string_view address, std::uint16_t port);
  /// The socket's own address and its peer's; empty when the kernel cannot tell.
  static Endpoint local_of(int fd);
  static Endpoint peer_of(int fd);

  /// As parse() reads it: `1.2.3.4:80`, `[::1]:80`, `unix:/path` (`unix:` when the socket has no name).
  std::string to_string() const;
  /// Without the port: `1.2.3.4`, `::1`, `unix:`; the form of nginx's $remote_addr.
  std::string address_string() const;
  /// 0 for unix sockets.
  std::uint16_t port() const;
  void set_port(std::uint16_t port);

  bool is_empty() const { return length_ == 0; }
  bool is_unix() const { return family() == AF_UNIX; }
  int family() const { return address_.any.sa_family; }
  const sockaddr* raw() const { return path_ ? reinterpret_cast<const sockaddr*>(path_.get()) : &address_.any; }
  socklen_t length() const { return length_; }

  friend bool operator==(const Endpoint& a, const Endpoint& b);

 private:
  union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  // Each connection holds two endpoints, and a path is four times as long as any other address: so it lies apart.
  std::shared_ptr<const sockaddr_un> path_;
  Address address_;
  socklen_t length_;
};

}  // namespace weir::net
