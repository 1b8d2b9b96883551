#include "stream/proxy_values.h"

#include "net/tls_facts.h"
#include "stream/proxy_conf.h"

namespace weir::stream {

std::optional<net::Endpoint> own_address(Session& session) {
  const ProxyBind& bind = *session.conf<ProxyConf>().bind;
  if (bind.address.is_empty_literal()) return std::nullopt;
  const std::string_view text = bind.address.evaluate(session);
  if (text.empty()) return std::nullopt;
  auto address = net::Endpoint::parse(text);
  if (!address) address = net::Endpoint::from_address(text, 0);
  if (address && !address->is_unix()) return address;
  log::error(session.error_log(), session, "invalid local address \"{}\" in proxy_bind", text);
  return std::nullopt;
}

std::uint64_t rate_of(Session& session, const Template& text) {
  if (text.source().empty()) return 0;
  const auto size = config::parse_size(text.evaluate(session));
  return size ? size->count() : 0;
}

std::string proxy_header(Session& session, net::ProxyTransport transport) {
  const net::Endpoint &client = session.client_address(), &own = session.local();
  switch (*session.conf<ProxyConf>().proxy_protocol) {
    case ProxyHeaderKind::None: break;
    case ProxyHeaderKind::V1: return net::proxy_header_v1(client, own);
    case ProxyHeaderKind::V2: {
      const net::TlsFacts* const tls = session.datagrams() ? nullptr : session.client().tls();
      return net::proxy_header_v2(client, own, transport, tls ? net::tls_tlvs(*tls) : std::string());
    }
  }
  return {};
}

}  // namespace weir::stream
