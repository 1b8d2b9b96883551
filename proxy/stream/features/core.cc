// core: servers, the addresses they listen on, and how long Weir looks at the first octets.
#include "stream/core_conf.h"

#include <fmt/format.h>

#include <algorithm>

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

using config::Call;
using config::directive;
using namespace scopes;

/// Several servers on one address are told apart by their names, and without one there is only the default.
void name_it(ServerBlock& server) {
  if (server.names.empty()) server.names.push_back({ServerName::Kind::Exact, "", {}, false});
}

void open_server(const Call& call) {
  Loader& loader = Loader::of(call);
  loader.config.servers.push_back(std::make_unique<ServerBlock>());
  ServerBlock& block = *loader.config.servers.back();
  block.at = call.statement.at;
  const Scope in_server(loader.server, &block);
  call.apply_children(config::StreamServer, block.settings);
  name_it(block);
  const auto listens = [&](const auto& listen) {
    return std::find(listen->servers.begin(), listen->servers.end(), &block) != listen->servers.end();
  };
  if (std::none_of(loader.config.listens.begin(), loader.config.listens.end(), listens))
    loader.diagnostics.error(block.at, "no \"listen\" is defined for server");
}

ListenAddress& address_for(Loader& loader, const std::string& text, bool datagrams, const config::Position& at) {
  for (const auto& known : loader.config.listens)
    if (known->text == text && known->datagrams == datagrams) return *known;
  loader.config.listens.push_back(std::make_unique<ListenAddress>());
  ListenAddress& address = *loader.config.listens.back();
  address.text = text;
  address.datagrams = datagrams;
  address.at = at;
  return address;
}

/// What makes no sense for datagrams, in nginx's words.
void check_datagram_parameters(const Call& call, const HostPort& where) {
  if (where.is_unix()) call.fail("\"udp\" on a unix socket is not implemented by Weir: use an address of IP");
  for (const std::string& parameter : call.args.subspan(1)) {
    const std::string_view name = std::string_view(parameter).substr(0, parameter.find('='));
    if (name == "ssl" || name == "proxy_protocol" || name == "so_keepalive" || name == "backlog" || name == "fastopen" ||
        name == "deferred")
      call.fail(fmt::format("\"{}\" parameter is incompatible with \"udp\"", name));
  }
}

net::AddressQuota::Limits session_limits(const Call& call) {
  net::AddressQuota::Limits limits = *CoreConf().udp_max_sessions;
  limits.all = config::number(call);
  limits.client = std::min(limits.client, limits.all);
  if (call.args.size() == 2) {
    constexpr std::string_view kClient = "client=";
    const auto number = call.args[1].starts_with(kClient) ? config::parse_number(call.args[1].substr(kClient.size())) : std::nullopt;
    if (!number) call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
    limits.client = static_cast<std::uint32_t>(*number);
  }
  return limits;
}

void add_address(const Call& call, const HostPort& where) {
  Loader& loader = Loader::of(call);
  if (!where.is_unix() && !where.port_given)
    call.fail(fmt::format("no port in \"{}\" of the \"listen\" directive", call.args[0]));
  const auto parameters = call.args.subspan(1);
  const bool udp = std::find(parameters.begin(), parameters.end(), "udp") != parameters.end();
  ListenAddress& address = address_for(loader, where.text(), udp, call.statement.at);
  if (std::find(address.servers.begin(), address.servers.end(), loader.server) != address.servers.end() ||
      (udp && !address.servers.empty()))
    call.fail(fmt::format("a duplicate listen {}", where.text()));
  address.servers.push_back(loader.server);
  if (!address.default_server) address.default_server = loader.server;
  if (udp) check_datagram_parameters(call, where);
  const bool options_before = address.options_set;
  for (const std::string& parameter : parameters) {
    if (parameter == "udp") continue;
    if (parameter == "default_server" || parameter == "default") {
      if (address.default_given) call.fail(fmt::format("a duplicate default server for {}", where.text()));
      address.default_given = true;
      address.default_server = loader.server;
    } else if (parameter == "ssl") {
      address.tls = true;
    } else if (parameter == "proxy_protocol") {
      address.proxy_protocol = true;
    } else if (!set_listen_option(call, address, parameter)) {
      call.fail(fmt::format("invalid parameter \"{}\"", parameter));
    } else if (options_before) {
      call.fail(fmt::format("duplicate listen options for {}", where.text()));
    } else {
      address.options_set = true;
    }
  }
  // Names may follow in the block.
  loader.afterwards([&loader, &address, server = loader.server, at = call.statement.at] {
    if (const std::string taken = address.names.add(*server); !taken.empty())
      loader.diagnostics.warn(at, fmt::format("conflicting server name \"{}\" on {}, ignored", taken, address.text));
  });
}

void add_server_names(const Call& call) {
  ServerBlock& server = *Loader::of(call).server;
  if (server.names.empty()) server.primary_name = primary_name(call.args[0]);
  for (const std::string& text : call.args) server.names.push_back(parse_server_name(call, text));
}

void add_listen(const Call& call) {
  for (const HostPort& where : parse_listen_addresses(call, call.args[0])) add_address(call, where);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("server", kStream, {0, 0}, "{ … }", "A server for sessions.", &open_server),
    config::custom("listen", config::StreamServer, {1, -1},
        "address:port [default_server] [udp] [ssl] [proxy_protocol] [backlog=number] [rcvbuf=size] [sndbuf=size] [reuseport] "
        "[ipv6only=on | off] "
        "[so_keepalive=on | off | [idle]:[interval]:[count]] [fastopen=number] [deferred]",
        "An address that the server listens on.", &add_listen),
    config::custom("server_name", config::StreamServer, {1, -1}, "name …",
        "The names of a virtual server; a client names one in its TLS handshake.", &add_server_names),
    directive<&CoreConf::preread_buffer_size, &config::size>("preread_buffer_size", kStreamAndServer, {1, 1}, "size",
        "How much of what a client says first may be looked at."),
    directive<&CoreConf::preread_timeout, &config::time_ms>("preread_timeout", kStreamAndServer, {1, 1}, "time",
        "How long that may take."),
    directive<&CoreConf::proxy_protocol_timeout, &config::time_ms>("proxy_protocol_timeout", kStreamAndServer, {1, 1},
        "time", "How long the header of the PROXY protocol may take to come."),
    directive<&CoreConf::tcp_nodelay, &config::on_off>("tcp_nodelay", kStreamAndServer, {1, 1}, "on | off",
        "Whether small pieces are sent at once."),
    directive<&CoreConf::udp_max_sessions, &session_limits>("udp_max_sessions", kStream, {1, 2}, "number [client=number]",
        "How many UDP sessions there may be at once in the whole process, and how many of one client: an IPv4 address, or a "
        "/64 network of IPv6. For one more that session makes room whose client was quiet for longest, a second at least, and "
        "never went on after an answer, as nobody with a forged address can; is there none, the datagram is dropped. Default: "
        "16384 client=1024."),
};

}  // namespace

extern const Feature core;
const Feature core{.name = "core", .directives = kDirectives};

}  // namespace weir::stream
