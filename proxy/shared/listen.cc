#include "shared/listen.h"

#include <fmt/format.h>

#include "config/values.h"

namespace weir::shared {

namespace {

using config::Call;

int number_after(const Call& call, std::string_view parameter, std::string_view text) {
  const auto number = config::parse_number(text, 1u << 30);
  if (!number) call.fail(fmt::format("invalid {} \"{}\"", parameter, text));
  return static_cast<int>(*number);
}

int size_after(const Call& call, std::string_view parameter, std::string_view text) {
  const auto size = config::parse_size(text);
  if (!size || size->count() > (1u << 30)) call.fail(fmt::format("invalid {} value \"{}\"", parameter, text));
  return static_cast<int>(size->count());
}

/// `on`, `off`, or `[idle]:[interval]:[count]`.
ListenKeepAlive parse_keep_alive(const Call& call, std::string_view text) {
  ListenKeepAlive probes;
  if (text == "on") return probes;
  if (text == "off") {
    probes.enabled = false;
    return probes;
  }
  const auto refuse = [&] { call.fail(fmt::format("invalid so_keepalive value: \"{}\"", text)); };
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos || text == "::") refuse();
  const auto time = [&](std::string_view word) -> std::optional<std::chrono::seconds> {
    if (word.empty()) return std::nullopt;
    const auto value = config::parse_time_s(word);
    if (!value || value->count() == 0) refuse();
    return value;
  };
  probes.idle = time(text.substr(0, first));
  probes.interval = time(text.substr(first + 1, second - first - 1));
  if (const std::string_view count = text.substr(second + 1); !count.empty()) {
    const auto number = config::parse_number(count, 1000);
    if (!number || *number == 0) refuse();
    probes.count = static_cast<int>(*number);
  }
  return probes;
}

/// `8000-8010` → first and last; 0 if there is no range.
std::pair<unsigned, unsigned> port_range(const Call& call, std::string_view text, std::size_t& from) {
  const std::size_t colon = text.rfind(':');
  from = colon == text.npos || text.ends_with(']') ? 0 : colon + 1;
  const std::size_t dash = text.find('-', from);
  const bool is_name = from == 0 && text.find_first_not_of("0123456789-") != text.npos;
  if (text.starts_with("unix:") || dash == text.npos || is_name) return {0, 0};
  const auto first = config::parse_number(text.substr(from, dash - from), 65535);
  const auto last = config::parse_number(text.substr(dash + 1), 65535);
  if (!first || !last || *first == 0 || *last < *first) call.fail(fmt::format("invalid port range in \"{}\"", text));
  return {static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

}  // namespace

std::vector<HostPort> parse_listen_addresses(const Call& call, std::string_view text) {
  std::size_t from = 0;
  const auto [first, last] = port_range(call, text, from);
  if (first == 0) return {parse_listen(text)};
  std::vector<HostPort> all;
  for (unsigned port = first; port <= last; ++port)
    all.push_back(parse_listen(std::string(text.substr(0, from)) + std::to_string(port)));
  return all;
}

bool set_listen_option(const Call& call, ListenSocket& socket, std::string_view parameter) {
  const auto after = [parameter](std::string_view name) { return parameter.substr(name.size()); };
  if (parameter.starts_with("backlog=")) return socket.backlog = number_after(call, "backlog", after("backlog=")), true;
  if (parameter.starts_with("rcvbuf=")) return socket.receive_buffer = size_after(call, "rcvbuf", after("rcvbuf=")), true;
  if (parameter.starts_with("sndbuf=")) return socket.send_buffer = size_after(call, "sndbuf", after("sndbuf=")), true;
  if (parameter.starts_with("fastopen=")) return socket.fast_open = number_after(call, "fastopen", after("fastopen=")), true;
  if (parameter == "reuseport") return socket.reuse_port = true;
  if (parameter == "deferred") return socket.deferred = true;
  if (parameter == "bind" || parameter.starts_with("accept_filter=") || parameter.starts_with("setfib=")) return true;
  if (parameter == "ipv6only=on") return socket.ipv6_only = true;
  if (parameter == "ipv6only=off") return socket.ipv6_only = false, true;
  if (parameter.starts_with("so_keepalive="))
    return socket.keep_alive = parse_keep_alive(call, after("so_keepalive=")), true;
  return false;
}

}  // namespace weir::shared
