// resolver: the name servers that are asked while serving.
#include <fmt/format.h>

#include "shared/address.h"
#include "shared/features/features.h"
#include "shared/features/host_lookup.h"
#include "shared/features/scopes.h"
#include "shared/resolver_conf.h"

namespace weir::shared {

namespace {

using config::Call;
using config::directive;
using namespace scopes;

constexpr std::uint16_t kDnsPort = 53;

void add_server(const Call& call, const std::string& text, net::Resolver::Options& options) {
  const HostPort where = parse_host_port(text, kDnsPort);
  if (where.is_unix()) call.fail_value(text, "a host and a port");
  if (where.is_literal()) {
    options.servers.push_back(*net::Endpoint::parse(where.text()));
    return;
  }
  for (net::Endpoint& endpoint : look_up_host(call, where.host, Loader::of(call).names)) {
    endpoint.set_port(where.port);
    options.servers.push_back(endpoint);
  }
}

bool switch_of(const Call& call, const std::string& parameter) {
  if (parameter.ends_with("=on")) return true;
  if (parameter.ends_with("=off")) return false;
  call.fail(fmt::format("invalid parameter: {}", parameter));
}

std::shared_ptr<const net::Resolver::Options> parse_resolver(const Call& call) {
  auto options = std::make_shared<net::Resolver::Options>();
  bool has_server = false;
  if (call.args.size() == 1 && call.args[0] == "off") return nullptr;
  for (const std::string& parameter : call.args) {
    if (parameter.starts_with("valid=")) {
      const auto valid = config::parse_time_s(std::string_view(parameter).substr(6));
      if (!valid) call.fail(fmt::format("invalid parameter: {}", parameter));
      options->valid = *valid;
    } else if (parameter.starts_with("ipv4=")) {
      options->ipv4 = switch_of(call, parameter);
    } else if (parameter.starts_with("ipv6=")) {
      options->ipv6 = switch_of(call, parameter);
    } else if (parameter.starts_with("status_zone=")) {
      call.notice("\"status_zone\" has no effect: Weir does not count answers of name servers yet");
    } else {
      add_server(call, parameter, *options);
      has_server = true;
    }
  }
  if (!options->ipv4 && !options->ipv6) call.fail("\"ipv4\" and \"ipv6\" cannot both be \"off\"");
  if (!has_server) call.fail("no name servers defined");
  return options;
}

constexpr config::DirectiveSpec kDirectives[] = {
    directive<&ResolverConf::resolver, &parse_resolver>("resolver", kHttpServerLocation | kStreamAndServer | kUpstreams, {1, -1},
        "address … [valid=time] [ipv4=on | off] [ipv6=on | off]",
        "Name servers for names that are only known while serving, such as variables in proxy_pass."),
    directive<&ResolverConf::timeout, &config::time_ms>("resolver_timeout", kHttpServerLocation | kStreamAndServer | kUpstreams, {1, 1},
        "time", "How long finding an address may take."),
};

}  // namespace

extern const Directives resolver_directives;
const Directives resolver_directives = kDirectives;

}  // namespace weir::shared
