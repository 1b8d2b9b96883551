// real_ip: the client that a trusted proxy in front named with the PROXY protocol (shared/trusted_proxies.h).
#include "shared/trusted_proxies.h"

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

PhaseResult find_client(Session& session) {
  const net::ProxyHeader* const header = session.proxy_header();
  if (header && !header->source.is_empty() &&
      is_trusted(*session.conf<TrustedProxies>().networks, session.peer()))
    session.real_client = &header->source;
  return PhaseResult::next();
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PostAccept, .enabled = trusts_proxies, .run = find_client}};

}  // namespace

extern const Feature real_ip;
const Feature real_ip{.name = "real_ip", .handlers = kHandlers};

}  // namespace weir::stream
