// proxy_pass: sessions are given to backends.
#include <fmt/format.h>

#include "net/endpoint.h"
#include "shared/proxy_tls.h"
#include "stream/features/scopes.h"
#include "stream/forward.h"
#include "stream/proxy_conf.h"

namespace weir::stream {

namespace {

using config::Call;
using config::directive;
using namespace scopes;

ProxyTarget parse_pass(const Call& call) {
  Loader& loader = Loader::of(call);
  ProxyTarget target{nullptr, template_value(call)};
  if (!target.address.is_literal()) return target;
  // The upstream may be defined further down.
  loader.afterwards([&loader, &settings = call.settings, text = call.args[0], at = call.statement.at] {
    try {
      ProxyTarget resolved = *settings.get<ProxyConf>().pass;
      if (!loader.config.find_upstream(text)) {
        const HostPort where = parse_host_port(text, 0);
        if (!where.is_unix() && where.port == 0)
          throw config::ValueError(fmt::format("no port in upstream \"{}\"", text));
      }
      resolved.upstream = &loader.upstream_for(text, 0, settings, at);
      settings.edit<ProxyConf>().pass.set(std::move(resolved));
    } catch (const config::ValueError& error) {
      loader.diagnostics.error(at, error.what());
    }
  });
  return target;
}

ProxyBind parse_bind(const Call& call) {
  ProxyBind bind;
  if (call.args[0] == "off") {
    if (call.args.size() > 1) call.fail_value(call.args[1]);
    return bind;
  }
  bind.address = template_value(call);
  if (call.args.size() > 1) {
    if (call.args[1] != "transparent") call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
    bind.transparent = true;
  }
  const std::string& text = call.args[0];
  if (bind.address.is_literal() && !net::Endpoint::parse(text) && !net::Endpoint::from_address(text, 0))
    call.fail(fmt::format("invalid address \"{}\"", text));
  return bind;
}

Template rate(const Call& call) {
  Template text = template_value(call);
  if (text.is_literal() && !config::parse_size(call.args[0])) call.fail(fmt::format("invalid value \"{}\"", call.args[0]));
  return text;
}

std::optional<std::uint64_t> responses(const Call& call) { return config::number(call); }
std::uint64_t count(const Call& call) { return config::number(call); }
config::ByteCount socket_buffer(const Call& call) {
  const config::ByteCount size = config::size(call);
  if (size.count() > std::uint64_t{1} << 30) call.fail_value(call.args[0], "at most 1g");
  return size;
}

/// nginx's names for `proxy_buffer_size` until 1.9.
void set_buffer_size(const Call& call) {
  Setting<config::ByteCount>& size = call.settings.edit<ProxyConf>().buffer_size;
  if (size.is_set_here()) call.fail_duplicate();
  size.set(config::size(call));
}

constexpr config::EnumName<ProxyHeaderKind> kHeaderKinds[] = {
    {"off", ProxyHeaderKind::None}, {"on", ProxyHeaderKind::V1}, {"v2", ProxyHeaderKind::V2}};
/// What `proxy_ssl` needs is prepared once.
void finish(ServerBlock& server, Loader& loader) {
  const ProxyConf& conf = server.settings.get<ProxyConf>();
  if (!conf.pass->is_set() || !*conf.ssl) return;
  ProxyTlsConf& tls = server.settings.edit<ProxyTlsConf>();
  tls.client = make_tls_client(tls, loader, server.at);
  if (tls.client && !tls.options->verify)
    loader.diagnostics.warn(server.at, fmt::format("the certificates of backends of \"{}\" are not verified: anybody on the "
                                                   "way there can read and change what is passed; see proxy_ssl_verify",
                                                   conf.pass->address.source()));
}

bool passes(const config::Settings& settings) { return settings.get<ProxyConf>().pass->is_set(); }

constexpr config::DirectiveSpec kDirectives[] = {
    // Not inherited: a server without it has another content.
    config::custom("proxy_pass", config::StreamServer, {1, 1}, "address",
        "Where sessions are passed to: an upstream, an address with a port, or a unix socket.",
        [](const Call& call) {
          if (call.settings.get<ProxyConf>().pass.is_set_here()) call.fail_duplicate();
          ProxyTarget target = parse_pass(call);
          call.settings.edit<ProxyConf>().pass.set(std::move(target));
        }),
    directive<&ProxyConf::connect_timeout, &config::time_ms>("proxy_connect_timeout", kStreamAndServer, {1, 1}, "time",
        "How long connecting to a backend may take."),
    directive<&ProxyConf::timeout, &config::time_ms>("proxy_timeout", kStreamAndServer, {1, 1}, "time",
        "How long nothing may move in either direction before the session is closed."),
    directive<&ProxyConf::buffer_size, &config::size>("proxy_buffer_size", kStreamAndServer, {1, 1}, "size",
        "The buffer of a direction: 4k, 16k or 64k, whichever holds the size. Bulk goes past it, within the kernel."),
    config::custom("proxy_downstream_buffer", kStreamAndServer, {1, 1}, "size",
        "The former name of `proxy_buffer_size`.", &set_buffer_size),
    config::custom("proxy_upstream_buffer", kStreamAndServer, {1, 1}, "size",
        "The former name of `proxy_buffer_size`.", &set_buffer_size),
    directive<&ProxyConf::next_upstream, &config::on_off>("proxy_next_upstream", kStreamAndServer, {1, 1}, "on | off",
        "Whether another backend is tried when one cannot be connected to."),
    directive<&ProxyConf::next_upstream_tries, &count>("proxy_next_upstream_tries", kStreamAndServer, {1, 1}, "number",
        "How many backends may be tried; 0: all."),
    directive<&ProxyConf::next_upstream_timeout, &config::time_ms>("proxy_next_upstream_timeout", kStreamAndServer,
        {1, 1}, "time", "How long it may be tried; 0: no limit."),
    directive<&ProxyConf::half_close, &config::on_off>("proxy_half_close", kStreamAndServer, {1, 1}, "on | off",
        "Whether each side may end its direction while the other goes on; off: the end of one side ends the session."),
    directive<&ProxyConf::session_drop, &config::on_off>("proxy_session_drop", kStreamAndServer, {1, 1}, "on | off",
        "Whether sessions end whose backend was removed from its group, is announced as down, or fails its health check."),
    directive<&ProxyConf::socket_keepalive, &config::on_off>("proxy_socket_keepalive", kStreamAndServer, {1, 1},
        "on | off", "Whether the system probes idle connections to backends."),
    directive<&ProxyConf::socket_rcvbuf, &socket_buffer>("proxy_socket_rcvbuf", kStreamAndServer, {1, 1}, "size",
        "How much of what a backend sends the system keeps for Weir; 0: as the system likes."),
    directive<&ProxyConf::socket_sndbuf, &socket_buffer>("proxy_socket_sndbuf", kStreamAndServer, {1, 1}, "size",
        "How much that is sent to a backend the system keeps; 0: as the system likes."),
    directive<&ProxyConf::upload_rate, &rate>("proxy_upload_rate", kStreamAndServer, {1, 1}, "rate",
        "Octets per second that are read from a client; 0: no limit."),
    directive<&ProxyConf::download_rate, &rate>("proxy_download_rate", kStreamAndServer, {1, 1}, "rate",
        "Octets per second that are read from a backend; 0: no limit."),
    directive<&ProxyConf::bind, &parse_bind>("proxy_bind", kStreamAndServer, {1, 2}, "address [transparent] | off",
        "The address that connections to backends come from."),
    directive<&ProxyConf::proxy_protocol, &config::an_enum<kHeaderKinds>>("proxy_protocol", kStreamAndServer, {1, 1},
        "on | off | v2",
        "Whether backends are told who the client is, by the PROXY protocol: on for version 1. Of UDP the header stands "
        "before the first datagram, in it."),
    directive<&ProxyConf::responses, &responses>("proxy_responses", kStreamAndServer, {1, 1}, "number",
        "How many datagrams a backend answers each datagram with: when all came, a UDP session ends."),
    directive<&ProxyConf::requests, &count>("proxy_requests", kStreamAndServer, {1, 1}, "number",
        "After so many datagrams the next one of the client begins another UDP session; 0: never."),
    directive<&ProxyConf::ssl, &config::on_off>("proxy_ssl", kStreamAndServer, {1, 1}, "on | off",
        "Whether TLS is spoken to backends; how, say the other directives of its family."),
};

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = passes, .run_async = forward}};

}  // namespace

extern const Feature proxy;
const Feature proxy{.name = "proxy", .directives = kDirectives, .handlers = kHandlers, .finish = finish};

}  // namespace weir::stream
