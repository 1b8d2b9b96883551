#include "member/member_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace weir::discovery {
namespace {

constexpr std::size_t kLongestHost = 253, kLongestLabel = 63;  // RFC 1035

// `080` would be a second way to write `80`.
bool is_port(std::string_view text) {
  std::uint16_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);  // takes no sign and no space
  return error == std::errc{} && stop == end && text.front() != '0';
}

bool is_refused(const in_addr& address) {
  const std::uint32_t host = ntohl(address.s_addr);
  const bool is_unspecified = (host >> 24) == 0;            // 0.0.0.0/8
  const bool is_link_local = (host >> 16) == 0xa9fe;        // 169.254.0.0/16: metadata services live there
  const bool is_multicast_or_above = (host >> 28) >= 0xe;   // 224.0.0.0/4, 240.0.0.0/4 with broadcast
  return is_unspecified || is_link_local || is_multicast_or_above;
}

bool is_refused(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address)) {
    if (IN6_IS_ADDR_LOOPBACK(&address)) return false;
    in_addr v4;
    std::memcpy(&v4, address.s6_addr + 12, sizeof v4);
    return is_refused(v4);
  }
  return IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MULTICAST(&address);
}

// One family: reads `host` and writes it back in the one form inet_ntop knows.
template <class Address>
std::optional<std::string> canonical_host(int family, const std::string& host, NameError& error) {
  Address address;
  if (inet_pton(family, host.c_str(), &address) != 1) {
    error = NameError::BadAddress;
    return std::nullopt;
  }
  if (is_refused(address)) {
    error = NameError::RefusedAddress;
    return std::nullopt;
  }
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, &address, text, sizeof text);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(std::string_view label) {
  const auto is_inside = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), is_inside);
}

// RFC 1123, and `_`, which the names of containers have. What a resolver would read as a number is no name: `10.1` and
// `0x7f000001` are other ways to write addresses. `unix:` begins an address of another kind.
std::optional<std::string> canonical_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.size() > kLongestHost) return std::nullopt;
  std::string name(text);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  std::string_view label;
  for (std::string_view rest = name;; rest.remove_prefix(label.size() + 1)) {
    label = rest.substr(0, rest.find('.'));
    if (!is_label(label)) return std::nullopt;
    if (label.size() == rest.size()) break;
  }
  if (label.starts_with("0x") || std::all_of(label.begin(), label.end(), is_digit) || name == "unix") return std::nullopt;
  return name;
}

}  // namespace

const char* to_string(NameError error) {
  switch (error) {
    case NameError::TooLong: return "too long";
    case NameError::BadCharacter: return "bad character";
    case NameError::BadAddress: return "bad address";
    case NameError::RefusedAddress: return "refused address";
    case NameError::BadPort: return "bad port";
    case NameError::BadField: return "bad field";
    case NameError::BadTier: return "bad tier";
    case NameError::BadState: return "bad state";
    case NameError::BadEscape: return "bad escape";
  }
  return "?";
}

std::optional<std::string> canonical_address(std::string_view text, NameError& error) {
  const bool is_v6 = text.starts_with('[');
  const auto host_end = is_v6 ? text.find(']') : text.find(':');
  error = NameError::BadAddress;
  if (host_end == std::string_view::npos) return std::nullopt;
  const std::string host(text.substr(is_v6 ? 1 : 0, host_end - (is_v6 ? 1 : 0)));
  auto canonical = is_v6 ? canonical_host<in6_addr>(AF_INET6, host, error) : canonical_host<in_addr>(AF_INET, host, error);
  if (!canonical) return std::nullopt;
  std::string_view rest = text.substr(host_end + (is_v6 ? 1 : 0));
  error = NameError::BadPort;
  if (!rest.starts_with(':')) return std::nullopt;
  rest.remove_prefix(1);
  if (!is_port(rest)) return std::nullopt;
  return (is_v6 ? "[" + *canonical + "]" : *canonical) + ":" + std::string(rest);
}

std::optional<std::string> canonical_member_address(std::string_view text, NameError& error) {
  if (auto address = canonical_address(text, error)) return address;
  if (error != NameError::BadAddress || text.starts_with('[')) return std::nullopt;
  const std::size_t colon = text.find(':');
  const auto host = canonical_host_name(text.substr(0, colon));
  const std::string_view port = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  // Other names have colons, too: what follows must at least be a number.
  if (!host || port.empty() || !std::all_of(port.begin(), port.end(), is_digit)) return std::nullopt;
  error = NameError::BadPort;
  if (!is_port(port)) return std::nullopt;
  return *host + ":" + std::string(port);
}

bool is_named(std::string_view address) {
  if (address.starts_with('[')) return false;
  const auto is_of_a_number = [](char c) { return is_digit(c) || c == '.'; };
  const auto other = std::find_if_not(address.begin(), address.end(), is_of_a_number);
  return other != address.end() && *other != ':';
}

std::string_view host_of(std::string_view named_address) { return named_address.substr(0, named_address.find(':')); }

std::string at_literal(std::string_view named_address, const std::string& literal) {
  const bool is_v6 = literal.find(':') != literal.npos;
  std::string address = is_v6 ? "[" + literal + "]" : literal;
  return address.append(named_address.substr(named_address.find(':')));
}

}  // namespace weir::discovery
