#include "net/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace weir::net {
namespace {

constexpr socklen_t kPathOffset = offsetof(sockaddr_un, sun_path);

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// The path of a unix socket as the kernel gave it; an abstract name begins with '@' instead of NUL.
std::string unix_path(const sockaddr_un& address, socklen_t length) {
  if (length <= kPathOffset) return {};
  const std::size_t size = length - kPathOffset;
  if (address.sun_path[0] == '\0') {
    std::string name(address.sun_path, size);
    name[0] = '@';
    return name;
  }
  return {address.sun_path, strnlen(address.sun_path, size)};
}

}  // namespace

Endpoint::Endpoint(const sockaddr* address, socklen_t length) : address_{} {
  switch (address->sa_family) {
    case AF_INET: std::memcpy(&address_.v4, address, std::min<socklen_t>(length, sizeof address_.v4)); break;
    case AF_INET6: std::memcpy(&address_.v6, address, std::min<socklen_t>(length, sizeof address_.v6)); break;
    case AF_UNIX: {
      auto name = std::make_shared<UnixName>();
      name->length = std::min<socklen_t>(length, sizeof(sockaddr_un));
      std::memcpy(&name->address, address, name->length);
      set_path(std::move(name));
      break;
    }
    default: break;
  }
}

void Endpoint::set_path(std::shared_ptr<const UnixName> name) noexcept {
  std::construct_at(&address_.path, Path{AF_UNIX, std::move(name)});
}

void Endpoint::copy(const Endpoint& other) noexcept {
  if (other.is_unix())
    set_path(other.address_.path.at);
  else
    std::memcpy(&address_.v6, &other.address_.v6, sizeof address_.v6);
}

Endpoint& Endpoint::operator=(const Endpoint& other) noexcept {
  if (this == &other) return *this;
  forget();
  copy(other);
  return *this;
}

socklen_t Endpoint::length() const {
  switch (family()) {
    case AF_INET: return sizeof(sockaddr_in);
    case AF_INET6: return sizeof(sockaddr_in6);
    case AF_UNIX: return address_.path.at->length;
    default: return 0;
  }
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    text.remove_prefix(5);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (text.empty() || text.size() >= sizeof address.sun_path || text.find('\0') != text.npos) return std::nullopt;
    std::memcpy(address.sun_path, text.data(), text.size());
    return Endpoint(reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(kPathOffset + text.size() + 1));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const std::string_view address = text.substr(0, colon);
  // Without brackets `::1:80` would be read as address `::1`.
  if (address.find(':') != address.npos && !address.starts_with('[')) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  return port ? from_address(address, *port) : std::nullopt;
}

std::optional<Endpoint> Endpoint::from_address(std::string_view address, std::uint16_t port) {
  if (address.size() >= 2 && address.front() == '[') {
    if (address.back() != ']' || address.find(':') == address.npos) return std::nullopt;
    address = address.substr(1, address.size() - 2);
  }
  char text[INET6_ADDRSTRLEN];
  if (address.size() >= sizeof text || address.find('\0') != address.npos) return std::nullopt;
  text[address.copy(text, sizeof text - 1)] = '\0';

  Endpoint endpoint;
  if (address.find(':') == address.npos) {
    endpoint.address_.v4 = {};
    endpoint.address_.v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &endpoint.address_.v4.sin_addr) != 1) return std::nullopt;
  } else {
    endpoint.address_.v6 = {};
    endpoint.address_.v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, text, &endpoint.address_.v6.sin6_addr) != 1) return std::nullopt;
  }
  endpoint.set_port(port);
  return endpoint;
}

namespace {

template <class Ask>
Endpoint ask_kernel(Ask ask, int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (ask(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint(reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace

Endpoint Endpoint::local_of(int fd) {
  return ask_kernel(::getsockname, fd);
}
Endpoint Endpoint::peer_of(int fd) {
  return ask_kernel(::getpeername, fd);
}

std::string Endpoint::to_string() const {
  switch (family()) {
    case AF_INET:
      return address_string() + ':' + std::to_string(port());
    case AF_INET6:
      return '[' + address_string() + "]:" + std::to_string(port());
    case AF_UNIX:
      return "unix:" + unix_path(address_.path.at->address, address_.path.at->length);
    default:
      return {};
  }
}

namespace {

/// As inet_ntop, which goes through sprintf: this is on the path of each request ($remote_addr).
std::string dotted(const in_addr& address) {
  unsigned char octets[4];
  std::memcpy(octets, &address, sizeof octets);
  char text[INET_ADDRSTRLEN];
  char* end = text;
  for (const unsigned char octet : octets) {
    if (end != text) *end++ = '.';
    end = std::to_chars(end, text + sizeof text, octet).ptr;
  }
  return {text, end};
}

}  // namespace

std::string Endpoint::address_string() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET: return dotted(address_.v4.sin_addr);
    case AF_INET6:
      inet_ntop(AF_INET6, &address_.v6.sin6_addr, text, sizeof text);
      break;
    case AF_UNIX:
      return "unix:";
    default:
      break;
  }
  return text;
}

std::uint16_t Endpoint::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(address_.v4.sin_port);
    case AF_INET6:
      return ntohs(address_.v6.sin6_port);
    default:
      return 0;
  }
}

void Endpoint::set_port(std::uint16_t port) {
  if (family() == AF_INET) address_.v4.sin_port = htons(port);
  if (family() == AF_INET6) address_.v6.sin6_port = htons(port);
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  return a.length() == b.length() && std::memcmp(a.raw(), b.raw(), a.length()) == 0;
}

}  // namespace weir::net
