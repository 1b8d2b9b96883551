// listen: the addresses of servers.
#include <fmt/format.h>

#include "features/scopes.h"
#include "shared/listen.h"

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

void add_one(const config::Call& call, const HostPort& where) {
  Loader& loader = Loader::of(call);
  ListenAddress& address = address_for(loader, where.text(), call.statement.at);
  if (std::find(address.servers.begin(), address.servers.end(), loader.server) != address.servers.end())
    call.fail(fmt::format("a duplicate listen {}", where.text()));
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
    if (!set_listen_option(call, address, parameter)) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
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
  const std::string_view text = call.args.empty() ? std::string_view("80") : std::string_view(call.args[0]);
  for (const HostPort& where : parse_listen_addresses(call, text)) add_one(call, where);
}

}  // namespace weir::http
