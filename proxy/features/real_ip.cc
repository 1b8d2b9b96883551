// real_ip: the client's address from a field that a trusted proxy wrote (shared/trusted_proxies.h).
#include "features/scopes.h"
#include "http/exchange.h"
#include "http/forwarded_for.h"
#include "shared/lower.h"
#include "net/proxy_protocol.h"
#include "shared/trusted_proxies.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

constexpr std::string_view kForwardedFor = "x-forwarded-for", kProxyProtocol = "proxy_protocol";

struct Conf {
  Setting<std::string> header{"x-real-ip"};
  Setting<bool> recursive{false};
};

std::string parse_header(const Call& call) { return lower(call.args[0]); }

PhaseResult find_client(Exchange& exchange) {
  if (exchange.real_client) return PhaseResult::next();
  const Conf& conf = exchange.conf<Conf>();
  const std::vector<Network>& trusted = *exchange.conf<TrustedProxies>().networks;
  const ConnectionInfo& connection = exchange.client().connection();
  ForwardedFor client(trusted, *conf.recursive, connection.client);
  if (*conf.header == kProxyProtocol) {
    if (!connection.proxy_header || connection.proxy_header->source.is_empty() ||
        !is_trusted(trusted, connection.client))
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

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::header, &parse_header>("real_ip_header", kHttpServerLocation, {1, 1},
        "field | X-Forwarded-For | proxy_protocol",
        "The field in which they name it: X-Real-IP unless given; proxy_protocol: the PROXY protocol instead."),
    config::directive<&Conf::recursive, &config::on_off>("real_ip_recursive", kHttpServerLocation, {1, 1}, "on | off",
        "Whether the client is the last address in the field that is not itself a trusted proxy's, instead of the last."),
};

// Twice: with the server's settings before everything else, and with the location's before limits and access.
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PostRead, .enabled = trusts_proxies, .run = find_client},
                                      {.phase = Phase::PreAccess, .enabled = trusts_proxies, .run = find_client}};

}  // namespace

extern const Feature real_ip;
const Feature real_ip{.name = "real_ip", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
