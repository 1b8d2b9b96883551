#include "member/cidr.h"

#include "member/member_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace weir::discovery {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

struct Host {
  Bytes bytes;
  bool is_v4;
};

std::optional<Host> parse_host(const std::string& text) {
  Bytes bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return Host{bytes, false};
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return Host{bytes, true};
  return std::nullopt;
}

bool contains(const Cidr& range, const Bytes& host) {
  const unsigned whole = range.bits / 8, rest = range.bits % 8;
  if (std::memcmp(range.prefix.data(), host.data(), whole) != 0) return false;
  return rest == 0 || ((range.prefix[whole] ^ host[whole]) >> (8 - rest)) == 0;
}

}  // namespace

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto host = parse_host(std::string(text.substr(0, slash)));
  if (!host) return std::nullopt;
  const unsigned most = host->is_v4 ? 32 : 128;
  unsigned bits = most;
  if (slash != text.npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc{} || stop != end || bits > most) return std::nullopt;
  }
  return Cidr{host->bytes, bits + (128 - most)};
}

bool is_allowed(std::string_view address, const std::vector<Cidr>& ranges) {
  if (ranges.empty()) return true;
  const std::size_t colon = address.rfind(':');
  const bool is_v6 = address.starts_with('[');
  const auto host = parse_host(std::string(is_v6 ? address.substr(1, colon - 2) : address.substr(0, colon)));
  return host && std::any_of(ranges.begin(), ranges.end(), [&](const Cidr& range) { return contains(range, host->bytes); });
}

bool may_be_announced(std::string_view address, const std::vector<Cidr>& ranges) {
  return ranges.empty() || is_named(address) || is_allowed(address, ranges);
}

}  // namespace weir::discovery
