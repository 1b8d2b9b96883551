// real_ip: set_real_ip_from, and who connected if that is not the client.
#include <fmt/format.h>

#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/host_lookup.h"
#include "shared/features/scopes.h"
#include "shared/trusted_proxies.h"

namespace weir::shared {

namespace {

using config::Call;
using namespace scopes;

/// The networks that one argument stands for: a name has as many as it has addresses.
std::vector<Network> parse_trusted(const Call& call) {
  const std::string& text = call.args[0];
  bool loose = false;
  const auto network = text == "all" ? std::nullopt : Network::parse(text, &loose);
  if (loose) call.warn(fmt::format("low address bits of {} are meaningless", text));
  if (network) return {*network};
  if (text.find('/') != text.npos) call.fail(fmt::format("invalid parameter \"{}\"", text));

  std::vector<Network> networks;
  for (const net::Endpoint& address : look_up_host(call, text, Loader::of(call).names))
    if (const auto one = Network::parse(address.address_string())) networks.push_back(*one);
  return networks;
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::repeated<&TrustedProxies::networks, &parse_trusted>("set_real_ip_from",
        kHttpServerLocation | kStreamAndServer, {1, 1}, "address | CIDR | name | unix:",
        "Proxies that are trusted to name the client; in stream by the PROXY protocol."),
};

VariableValue realip_remote_addr(Context& x, const VariableArg&) { return {x.keep(x.peer().address_string())}; }
VariableValue realip_remote_port(Context& x, const VariableArg&) {
  const std::uint16_t port = x.peer().port();
  return {port == 0 ? std::string_view() : x.keep(std::to_string(port))};
}
constexpr VariableSpec kVariables[] = {{"realip_remote_addr", realip_remote_addr},
                                       {"realip_remote_port", realip_remote_port}};

}  // namespace

std::span<const VariableSpec> real_ip_variables();
std::span<const VariableSpec> real_ip_variables() { return kVariables; }

extern const Directives real_ip_directives;
const Directives real_ip_directives = kDirectives;

}  // namespace weir::shared
