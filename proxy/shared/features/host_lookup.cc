#include "shared/features/host_lookup.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cctype>

namespace weir::shared {

bool is_host_name(std::string_view text) {
  constexpr std::size_t kLongestName = 253, kLongestLabel = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  std::size_t label = 0;
  for (const char c : text) {
    const bool is_dot = c == '.';
    if (is_dot ? label == 0 : !std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
    label = is_dot ? 0 : label + 1;
    if (label > kLongestLabel) return false;
  }
  return label != 0 && text.size() <= kLongestName;
}

std::vector<net::Endpoint> look_up_host(const config::Call& call, const std::string& host, Names names) {
  if (!is_host_name(host)) call.fail(fmt::format("invalid host in \"{}\" in \"{}\" directive", host, call.name()));
  if (names == Names::Leave) {
    call.notice(fmt::format("host \"{}\" in \"{}\" is looked up when the configuration is taken into service", host,
                            call.name()));
    return {};
  }
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;  // each address once
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
    call.fail(fmt::format("host not found in {} \"{}\"", call.name(), host));
  std::vector<net::Endpoint> addresses;
  for (const addrinfo* each = found; each; each = each->ai_next)
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace weir::shared
