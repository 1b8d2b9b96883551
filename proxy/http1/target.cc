#include "http1/target.h"

#include <arpa/inet.h>

#include "http1/octets.h"

namespace weir::http1 {
namespace {

using http::Method;
using http::RequestHead;
using http::TargetForm;

int hex_value(char c) {
  return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool is_hex(char c) {
  return (octet_class(c) & kHexDigit) != 0;
}

/// `text` begins with `%`. Whether it is a percent-encoded octet that may stand in a name, see parse_authority.
bool is_encoded_name_octet(std::string_view text) {
  if (text.size() < 3 || !is_hex(text[1]) || !is_hex(text[2])) return false;
  const int octet = hex_value(text[1]) * 16 + hex_value(text[2]);
  return octet >= 0x80 || (octet_class(static_cast<char>(octet)) & kRegName) != 0;
}

/// What is left of a name after its octets that are names: empty, or from the colon on, or from what is wrong.
bool read_name(std::string_view& text, std::string_view& host) {
  std::size_t i = 0;
  for (; i < text.size() && text[i] != ':'; ++i) {
    if (text[i] == '.' && i > 0 && text[i - 1] == '.') return false;
    if ((octet_class(text[i]) & kRegName) != 0) continue;
    if (text[i] != '%' || !is_encoded_name_octet(text.substr(i))) return false;
    i += 2;
  }
  host = text.substr(0, i);
  text.remove_prefix(i);
  return !host.empty() && host != ".";
}

bool is_ipv6(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];  // inet_pton wants a terminator
  if (text.size() >= sizeof buffer) return false;
  text.copy(buffer, text.size());
  buffer[text.size()] = '\0';
  in6_addr address;
  return text.find('\0') == std::string_view::npos && inet_pton(AF_INET6, buffer, &address) == 1;
}

/// "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool is_future_literal(std::string_view text) {
  if (text.size() < 4 || (text[0] | 0x20) != 'v') return false;
  std::size_t i = 1;
  while (i < text.size() && is_hex(text[i])) ++i;
  if (i == 1 || i + 1 >= text.size() || text[i] != '.') return false;
  for (++i; i < text.size(); ++i)
    if ((octet_class(text[i]) & kRegName) == 0 && text[i] != ':') return false;
  return true;
}

bool read_literal(std::string_view& text, std::string_view& host) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return false;
  const std::string_view inside = text.substr(1, close - 1);
  host = text.substr(0, close + 1);
  text.remove_prefix(close + 1);
  return is_ipv6(inside) || is_future_literal(inside);
}

/// The port's number, 65536 or above if it is too large.
unsigned port_number(std::string_view digits) {
  unsigned number = 0;
  for (const char c : digits)
    if (number < 65536) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

/// Splits at the first `?`.
void split_path(std::string_view path_and_query, RequestHead& head) {
  const std::size_t mark = path_and_query.find('?');
  head.path = path_and_query.substr(0, mark);
  head.has_query = mark != std::string_view::npos;
  head.query = head.has_query ? path_and_query.substr(mark + 1) : std::string_view();
}

/// An absolute target, without the scheme and what follows it.
Reason parse_absolute(std::string_view target, RequestHead& head) {
  const std::size_t colon = target.find(':');
  const std::string_view scheme = target.substr(0, colon);
  if (colon == std::string_view::npos || target.substr(colon, 3) != "://") return Reason::BadTarget;
  head.target_https = http::equal_caseless(scheme, "https");
  if (!head.target_https && !http::equal_caseless(scheme, "http")) return Reason::TargetScheme;

  const std::string_view rest = target.substr(colon + 3);
  const std::size_t slash = rest.find_first_of("/?");
  const std::string_view text = rest.substr(0, slash);
  if (text.find('@') != std::string_view::npos) return Reason::TargetUserInfo;
  Authority authority;
  if (!parse_authority(text, authority)) return Reason::TargetAuthority;
  head.form = TargetForm::Absolute;
  head.host = authority.host;
  head.port = authority.port;
  split_path(slash == std::string_view::npos ? rest.substr(rest.size()) : rest.substr(slash), head);
  return Reason::None;
}

}  // namespace

bool parse_authority(std::string_view text, Authority& authority) {
  authority = {};
  const bool literal = !text.empty() && text[0] == '[';
  if (!(literal ? read_literal(text, authority.host) : read_name(text, authority.host))) return false;
  if (text.empty()) return true;
  if (text[0] != ':') return false;
  text.remove_prefix(1);
  for (const char c : text)
    if (!is_digit(c)) return false;
  authority.port = text;
  return port_number(text) <= 65535;
}

bool same_authority(const Authority& a, const Authority& b, unsigned default_port) {
  const auto port = [&](std::string_view text) { return text.empty() ? default_port : port_number(text); };
  return http::equal_caseless(a.host, b.host) && port(a.port) == port(b.port);
}

Reason parse_target(std::string_view target, RequestHead& head) {
  if (head.method == Method::Connect) {
    // The only method with the authority form, and that is its only form.
    Authority authority;
    if (!parse_authority(target, authority) || authority.port.empty()) return Reason::TargetFormMethod;
    head.form = TargetForm::Authority;
    head.host = authority.host;
    head.port = authority.port;
    return Reason::None;
  }
  if (target.front() == '/') {
    head.form = TargetForm::Origin;
    split_path(target, head);
    return Reason::None;
  }
  if (target == "*") {
    if (head.method != Method::Options) return Reason::TargetFormMethod;
    head.form = TargetForm::Asterisk;
    head.path = target;
    return Reason::None;
  }
  return parse_absolute(target, head);
}

}  // namespace weir::http1
