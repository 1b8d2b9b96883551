// Endpoint: the address of a socket, as a value. 32 bytes: each connection holds one.
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
  Endpoint() noexcept : address_{} {}
  /// Copies what the kernel gave. `length`: bytes that are valid, at most sizeof(sockaddr_un). Of other families than
  /// IPv4, IPv6 and unix: no address.
  Endpoint(const sockaddr* address, socklen_t length);
  Endpoint(const Endpoint& other) noexcept : address_{} { copy(other); }
  Endpoint& operator=(const Endpoint& other) noexcept;
  ~Endpoint() { forget(); }

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

  bool is_empty() const { return family() == AF_UNSPEC; }
  bool is_unix() const { return family() == AF_UNIX; }
  int family() const { return address_.any.sa_family; }
  const sockaddr* raw() const {
    return is_unix() ? reinterpret_cast<const sockaddr*>(&address_.path.at->address) : &address_.any;
  }
  socklen_t length() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b);

 private:
  // A path is four times as long as any other address, so it lies apart.
  struct UnixName {
    sockaddr_un address;
    socklen_t length;
  };
  struct Path {
    sa_family_t family;  // AF_UNIX, where all others have theirs
    std::shared_ptr<const UnixName> at;
  };
  union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    Path path;
    ~Address() {}
  };

  void set_path(std::shared_ptr<const UnixName> name) noexcept;
  void copy(const Endpoint& other) noexcept;
  void forget() noexcept {
    if (is_unix()) address_.path.~Path();
  }

  Address address_;
};

}  // namespace weir::net
