#include "shared/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "config/values.h"

namespace weir::shared {

namespace {

std::uint16_t parse_port(std::string_view digits, std::string_view whole) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535)
    throw config::ValueError(fmt::format("invalid port in \"{}\"", whole));
  return static_cast<std::uint16_t>(port);
}

bool is_v6_literal(std::string_view bracketed) {
  in6_addr unused;
  const std::string inside(bracketed.substr(1, bracketed.size() - 2));
  return inet_pton(AF_INET6, inside.c_str(), &unused) == 1;
}

bool is_v4_literal(const std::string& host) {
  in_addr unused;
  return inet_pton(AF_INET, host.c_str(), &unused) == 1;
}

}  // namespace

std::string HostPort::text() const { return is_unix() ? host : fmt::format("{}:{}", host, port); }

bool HostPort::is_literal() const { return is_unix() || host.starts_with('[') || is_v4_literal(host); }

HostPort parse_host_port(std::string_view text, std::uint16_t default_port) {
  HostPort result;
  result.port = default_port;
  if (text.starts_with("unix:")) {
    if (text.size() == 5) throw config::ValueError(fmt::format("no path in the unix domain socket \"{}\"", text));
    if (text.size() - 5 >= 108)
      throw config::ValueError(fmt::format("too long path in the unix domain socket \"{}\"", text));
    result.host = std::string(text);
    result.port = 0;
    return result;
  }
  std::size_t colon;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos || !is_v6_literal(text.substr(0, close + 1)))
      throw config::ValueError(fmt::format("invalid IPv6 address in \"{}\"", text));
    colon = close + 1 < text.size() ? close + 1 : text.npos;
    if (colon != text.npos && text[colon] != ':')
      throw config::ValueError(fmt::format("invalid host in \"{}\"", text));
  } else {
    colon = text.find(':');
    if (colon != text.npos && text.find(':', colon + 1) != text.npos)
      throw config::ValueError(fmt::format("invalid port in \"{}\"", text));
  }
  result.host = std::string(text.substr(0, colon));
  if (colon != text.npos) {
    result.port = parse_port(text.substr(colon + 1), text);
    result.port_given = true;
  }
  if (result.host.empty()) throw config::ValueError(fmt::format("no host in \"{}\"", text));
  if (result.host.find('/') != result.host.npos) throw config::ValueError(fmt::format("invalid host in \"{}\"", text));
  return result;
}

std::string address_of_copy(const std::string& address, int copy) { return fmt::format("{}\t{}", address, copy); }

std::string_view socket_address(std::string_view backend_address) {
  return backend_address.substr(0, backend_address.rfind('\t'));
}

HostPort parse_listen(std::string_view text) {
  if (text.empty()) throw config::ValueError("no host in \"\"");
  const bool digits_only = text.find_first_not_of("0123456789") == text.npos;
  HostPort result;
  if (digits_only) {
    result = {"0.0.0.0", parse_port(text, text), true};
  } else if (text.starts_with("*:")) {
    result = {"0.0.0.0", parse_port(text.substr(2), text), true};
  } else {
    result = parse_host_port(text, 80);
  }
  if (result.host == "*") result.host = "0.0.0.0";
  if (result.host == "localhost") result.host = "127.0.0.1";
  if (!result.is_literal())
    throw config::ValueError(
        fmt::format("host not found in \"{}\" of the \"listen\" directive: give an address, not a name", text));
  return result;
}

}  // namespace weir::shared
