// real_ip: the client's address from a field that a trusted proxy wrote.
#include <fmt/format.h>

#include "shared/features/host_lookup.h"
#include "features/scopes.h"
#include "http/exchange.h"
#include "http/forwarded_for.h"
#include "shared/lower.h"
#include "net/proxy_protocol.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

constexpr std::string_view kForwardedFor = "x-forwarded-for", kProxyProtocol = "proxy_protocol";

struct Conf {
  Setting<std::vector<Network>> trusted;
  Setting<std::string> header{"x-real-ip"};
  Setting<bool> recursive{false};
};

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

std::string parse_header(const Call& call) { return lower(call.args[0]); }

PhaseResult find_client(Exchange& exchange) {
  if (exchange.real_client) return PhaseResult::next();
  const Conf& conf = exchange.conf<Conf>();
  const ConnectionInfo& connection = exchange.client().connection();
  ForwardedFor client(*conf.trusted, *conf.recursive, connection.client);
  if (*conf.header == kProxyProtocol) {
    if (!connection.proxy_header || connection.proxy_header->source.is_empty() ||
        !is_trusted(*conf.trusted, connection.client))
      return PhaseResult::next();
    exchange.real_client = &connection.proxy_header->source;
    return PhaseResult::next();
  }
  if (*conf.header == kForwardedFor)
    client.through_all(exchange.request.fields);
  else if (const Field* const field = exchange.request.fields.find(*conf.header))
    client.through(field->value);
  if (client.moved()) exchange.real_client = exchange.make<net::Endpoint>(client.address());
  return PhaseResult::next();
}

bool enabled(const config::Settings& settings) { return !settings.get<Conf>().trusted->empty(); }

constexpr config::DirectiveSpec kDirectives[] = {
    config::repeated<&Conf::trusted, &parse_trusted>("set_real_ip_from", kHttpServerLocation, {1, 1},
        "address | CIDR | name | unix:", "Proxies that are trusted to name the client."),
    config::directive<&Conf::header, &parse_header>("real_ip_header", kHttpServerLocation, {1, 1},
        "field | X-Forwarded-For | proxy_protocol",
        "The field in which they name it: X-Real-IP unless given; proxy_protocol: the PROXY protocol instead."),
    config::directive<&Conf::recursive, &config::on_off>("real_ip_recursive", kHttpServerLocation, {1, 1}, "on | off",
        "Whether the client is the last address in the field that is not itself a trusted proxy's, instead of the last."),
};

VariableValue realip_remote_addr(Exchange& x, const VariableArg&) {
  return {x.keep(x.client().connection().client.address_string())};
}
VariableValue realip_remote_port(Exchange& x, const VariableArg&) {
  const std::uint16_t port = x.client().connection().client.port();
  return {port == 0 ? std::string_view() : x.keep(std::to_string(port))};
}
constexpr VariableSpec kVariables[] = {{"realip_remote_addr", getter<realip_remote_addr>},
                                       {"realip_remote_port", getter<realip_remote_port>}};

// Twice: with the server's settings before everything else, and with the location's before limits and access.
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PostRead, .enabled = enabled, .run = find_client},
                                      {.phase = Phase::PreAccess, .enabled = enabled, .run = find_client}};

}  // namespace

extern const Feature real_ip;
const Feature real_ip{.name = "real_ip", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::http
