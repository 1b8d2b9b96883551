#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace weir::net {

namespace {

constexpr std::size_t kFixed = 16;         // of version 2, before the addresses
constexpr unsigned kStream = 1;            // its word for TCP
constexpr std::size_t kLongestLine = 107;  // of version 1, with its end

std::size_t number16(std::string_view octets) {
  return static_cast<std::size_t>(static_cast<unsigned char>(octets[0])) << 8 | static_cast<unsigned char>(octets[1]);
}

bool is_beginning(std::string_view octets, std::string_view whole) {
  return whole.starts_with(octets.substr(0, whole.size()));
}

std::optional<Endpoint> endpoint_of(std::string_view address, std::string_view port, bool v6) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  if (v6 != (address.find(':') != address.npos) || address.starts_with('[')) return std::nullopt;
  return Endpoint::from_address(address, number);
}

ProxyHeaderStatus parse_line(std::string_view octets, ProxyHeader& header, std::size_t& size) {
  const std::size_t end = octets.substr(0, kLongestLine).find("\r\n");
  if (end == octets.npos) return octets.size() >= kLongestLine ? ProxyHeaderStatus::Bad : ProxyHeaderStatus::Incomplete;
  size = end + 2;
  std::string_view line = octets.substr(0, end);
  if (line == "PROXY UNKNOWN" || line.starts_with("PROXY UNKNOWN ")) return ProxyHeaderStatus::Complete;
  const bool v6 = line.starts_with("PROXY TCP6 ");
  if (!v6 && !line.starts_with("PROXY TCP4 ")) return ProxyHeaderStatus::Bad;
  line.remove_prefix(11);
  std::array<std::string_view, 4> words;  // source, destination, their ports
  for (std::string_view& word : words) {
    const std::size_t space = line.find(' ');
    word = line.substr(0, space);
    line = space == line.npos ? std::string_view() : line.substr(space + 1);
  }
  const auto source = endpoint_of(words[0], words[2], v6), destination = endpoint_of(words[1], words[3], v6);
  if (!line.empty() || !source || !destination) return ProxyHeaderStatus::Bad;
  header.source = *source;
  header.destination = *destination;
  return ProxyHeaderStatus::Complete;
}

template <class Address, std::size_t Octets>
void read_addresses(std::string_view body, ProxyHeader& header, int family, auto place, auto port_place) {
  const auto read = [&](std::size_t address_at, std::size_t port_at) {
    Address address{};
    reinterpret_cast<sockaddr*>(&address)->sa_family = static_cast<sa_family_t>(family);
    std::memcpy(place(address), body.data() + address_at, Octets);
    std::memcpy(port_place(address), body.data() + port_at, 2);
    return Endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  };
  header.source = read(0, 2 * Octets);
  header.destination = read(Octets, 2 * Octets + 2);
}

ProxyHeaderStatus parse_binary(std::string_view octets, ProxyHeader& header, std::size_t& size) {
  if (octets.size() < kFixed) return ProxyHeaderStatus::Incomplete;
  size = kFixed + number16(octets.substr(14));
  if (size > kLongestProxyHeader) return ProxyHeaderStatus::Bad;
  const auto version_and_command = static_cast<unsigned char>(octets[12]), family = static_cast<unsigned char>(octets[13]);
  const unsigned command = version_and_command & 15u;
  if (version_and_command >> 4 != 2 || command > 1) return ProxyHeaderStatus::Bad;
  if (octets.size() < size) return ProxyHeaderStatus::Incomplete;
  std::string_view body = octets.substr(kFixed, size - kFixed);
  std::size_t used = 0;
  const bool has_addresses = command == 1 && (family & 15u) == kStream && (family >> 4 == 1 || family >> 4 == 2);
  // LOCAL: the proxy itself. Datagrams do not come by this connection.
  if (!has_addresses) return ProxyHeaderStatus::Complete;
  if (family >> 4 == 1) {
    if (body.size() < (used = 12)) return ProxyHeaderStatus::Bad;
    read_addresses<sockaddr_in, 4>(body, header, AF_INET, [](sockaddr_in& a) { return &a.sin_addr; },
                                   [](sockaddr_in& a) { return &a.sin_port; });
  } else {
    if (body.size() < (used = 36)) return ProxyHeaderStatus::Bad;
    read_addresses<sockaddr_in6, 16>(body, header, AF_INET6, [](sockaddr_in6& a) { return &a.sin6_addr; },
                                     [](sockaddr_in6& a) { return &a.sin6_port; });
  }
  header.tlvs = body.substr(used);
  return ProxyHeaderStatus::Complete;
}

}  // namespace

std::optional<std::string_view> find_tlv(std::string_view list, std::uint8_t type) {
  while (list.size() >= 3) {
    const std::size_t length = number16(list.substr(1));
    if (length > list.size() - 3) break;
    if (static_cast<std::uint8_t>(list[0]) == type) return list.substr(3, length);
    list.remove_prefix(3 + length);
  }
  return std::nullopt;
}

std::optional<std::string_view> ProxyHeader::tlv(std::uint8_t type) const { return find_tlv(tlvs, type); }

ProxyHeaderStatus parse_proxy_header(std::string_view octets, ProxyHeader& header, std::size_t& size) {
  header = {};
  size = 0;
  if (octets.empty()) return ProxyHeaderStatus::Incomplete;
  if (is_beginning(octets, kProxySignature))
    return octets.size() < kProxySignature.size() ? ProxyHeaderStatus::Incomplete : parse_binary(octets, header, size);
  if (!is_beginning(octets, "PROXY ")) return ProxyHeaderStatus::Bad;
  return parse_line(octets, header, size);
}

}  // namespace weir::net
