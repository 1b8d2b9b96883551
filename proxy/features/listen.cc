// listen: the addresses of servers.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/address.h"

namespace weir::http {

namespace {

ListenAddress& address_for(Loader& loader, const std::string& text, const config::Position& at) {
  for (const auto& known : loader.config.listens)
    if (known->text == text) return *known;
  auto address = std::make_unique<ListenAddress>();
  address->text = text;
  address->at = at;
  loader.config.listens.push_back(std::move(address));
  return *loader.config.listens.back();
}

int number_after(const config::Call& call, std::string_view parameter, std::string_view text) {
  const auto number = config::parse_number(text);
  if (!number) call.fail(fmt::format("invalid {} \"{}\"", parameter, text));
  return static_cast<int>(*number);
}

int size_after(const config::Call& call, std::string_view parameter, std::string_view text) {
  const auto size = config::parse_size(text);
  if (!size || size->count() > (1u << 30)) call.fail(fmt::format("invalid {} value \"{}\"", parameter, text));
  return static_cast<int>(size->count());
}

/// Applies one parameter of the socket. Returns false if it is none.
bool set_option(const config::Call& call, ListenAddress& address, std::string_view parameter) {
  const auto after = [parameter](std::string_view name) { return parameter.substr(name.size()); };
  if (parameter.starts_with("backlog=")) return address.backlog = number_after(call, "backlog", after("backlog=")), true;
  if (parameter.starts_with("rcvbuf=")) return address.receive_buffer = size_after(call, "rcvbuf", after("rcvbuf=")), true;
  if (parameter.starts_with("sndbuf=")) return address.send_buffer = size_after(call, "sndbuf", after("sndbuf=")), true;
  if (parameter == "reuseport") return address.reuse_port = true;
  if (parameter == "deferred") return address.deferred = true;
  if (parameter == "bind" || parameter.starts_with("fastopen=") || parameter.starts_with("accept_filter=") ||
      parameter.starts_with("setfib="))
    return true;
  if (parameter == "ipv6only=on") return address.ipv6_only = true;
  if (parameter == "ipv6only=off") return address.ipv6_only = false, true;
  if (parameter == "so_keepalive=off") return address.keep_alive = false, true;
  if (parameter.starts_with("so_keepalive=")) return address.keep_alive = true;
  return false;
}

/// `8000-8010` → first and last.
std::pair<unsigned, unsigned> port_range(const config::Call& call, std::string_view text, std::string& one) {
  const std::size_t colon = text.rfind(':');
  const std::size_t from = colon == text.npos || text.ends_with(']') ? 0 : colon + 1;
  const std::size_t dash = text.find('-', from);
  if (text.starts_with("unix:") || dash == text.npos || (from == 0 && text.find_first_not_of("0123456789-") != text.npos)) {
    one = std::string(text);
    return {0, 0};
  }
  const auto first = config::parse_number(text.substr(from, dash - from), 65535);
  const auto last = config::parse_number(text.substr(dash + 1), 65535);
  if (!first || !last || *first == 0 || *last < *first) call.fail(fmt::format("invalid port range in \"{}\"", text));
  one = std::string(text.substr(0, from));
  return {static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

void add_one(const config::Call& call, std::string_view text) {
  Loader& loader = Loader::of(call);
  const HostPort where = parse_listen(text);
  ListenAddress& address = address_for(loader, where.text(), call.statement.at);
  if (std::find(address.servers.begin(), address.servers.end(), loader.server) != address.servers.end())
    call.fail(fmt::format("a duplicate listen {}", text));
  address.servers.push_back(loader.server);

  bool is_default = false;
  const bool options_before = address.options_set;
  for (const std::string& parameter : call.args.subspan(call.args.empty() ? 0 : 1)) {
    if (parameter == "default_server" || parameter == "default") {
      is_default = true;
      continue;
    }
    if (parameter == "ssl") {
      address.tls = true;
      continue;
    }
    if (parameter == "proxy_protocol") {
      address.proxy_protocol = true;
      continue;
    }
    if (parameter == "quic")
      call.fail(fmt::format("the \"{}\" parameter of \"listen\" is not implemented by Weir yet", parameter));
    if (parameter == "http2") {
      call.warn("the \"http2\" parameter of \"listen\" has no effect yet: clients are served with HTTP/1.1");
      continue;
    }
    if (!set_option(call, address, parameter)) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    if (options_before) call.fail(fmt::format("duplicate listen options for {}", where.text()));
    address.options_set = true;
  }
  if (is_default) {
    if (address.default_given) call.fail(fmt::format("a duplicate default server for {}", where.text()));
    address.default_given = true;
    address.default_server = loader.server;
  }
  if (!address.default_server) address.default_server = loader.server;

  // Names may follow in the block.
  ServerBlock* const server = loader.server;
  loader.afterwards([&loader, &address, server, at = call.statement.at] {
    if (const std::string taken = address.names.add(*server); !taken.empty())
      loader.diagnostics.warn(at, fmt::format("conflicting server name \"{}\" on {}, ignored", taken, address.text));
  });
}

}  // namespace

void add_listen(const config::Call& call) {
  if (call.args.empty()) return add_one(call, "80");
  std::string one;
  const auto [first, last] = port_range(call, call.args[0], one);
  if (first == 0) return add_one(call, one);
  for (unsigned port = first; port <= last; ++port) add_one(call, one + std::to_string(port));
}

}  // namespace weir::http
