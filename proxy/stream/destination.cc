#include "stream/destination.h"

#include "shared/address.h"
#include "shared/resolver_conf.h"
#include "stream/proxy_conf.h"

namespace weir::stream {

namespace {

/// An address that is being looked up.
struct PatientLookup final : Session::Awaited {
  PatientLookup(Session& session, net::Resolver& resolver, std::string_view name)
      : Awaited(session), lookup(resolver.resolve(name, *session.conf<ResolverConf>().timeout)) {}
  void give_up() override { lookup.cancel(); }
  net::Resolver::Lookup lookup;
};

net::Task<bool> resolve(Session& session, const HostPort& where, DynamicUpstream& group) {
  const auto& options = *session.conf<ResolverConf>().resolver;
  if (!options) {
    log::error(session.error_log(), session, "no resolver defined to resolve {}", where.host);
    co_return false;
  }
  net::Resolver& resolver = session.runtime().resolver(*options);
  net::ResolutionPtr found = resolver.cached(where.host);
  if (!found) {
    PatientLookup patient(session, resolver, where.host);
    found = co_await patient.lookup;
  }
  if (found->code != 0) {
    log::error(session.error_log(), session, "{} could not be resolved ({})", where.host, found->failure());
    co_return false;
  }
  group.follow(std::move(found), where.port);
  co_return true;
}

}  // namespace

net::Task<std::optional<Destination>> find_destination(Session& session) {
  const ProxyTarget& pass = *session.conf<ProxyConf>().pass;
  if (pass.upstream) co_return Destination{pass.upstream, &session.runtime().upstream(*pass.upstream), nullptr};
  const std::string_view text = pass.address.evaluate(session);
  if (const UpstreamBlock* const known = session.runtime().config().find_upstream(text))
    co_return Destination{known, &session.runtime().upstream(*known), nullptr};

  HostPort where;
  std::string wrong;
  try {
    where = parse_host_port(text, 0);
  } catch (const config::ValueError& error) {
    wrong = error.what();
  }
  if (wrong.empty() && where.port == 0 && !where.is_unix()) wrong = "no port";
  if (!wrong.empty()) {
    log::error(session.error_log(), session, "{} in upstream \"{}\"", wrong, text);
    co_return std::nullopt;
  }
  Destination destination;
  destination.dynamic = session.runtime().dynamic_upstreams().get(where.text());
  destination.upstream = &destination.dynamic->block;
  destination.reader = &destination.dynamic->reader;
  if (where.is_literal()) {
    destination.dynamic->serve_literal();
  } else {
    const bool found = co_await resolve(session, where, *destination.dynamic);
    if (!found) co_return std::nullopt;
  }
  co_return destination;
}

}  // namespace weir::stream
