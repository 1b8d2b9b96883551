#include "server/handshake.h"

#include "http/core_conf.h"
#include "http/exchange.h"
#include "http/silent_channel.h"
#include "net/proxy_protocol_reader.h"
#include "net/tls_server.h"
#include "server/ocsp_exchange.h"
#include "shared/tls_conf.h"

namespace weir::server {

namespace {

/// Of an exchange that only exists so that variables can be read.
class HelloChannel final : public http::SilentChannel {
 public:
  HelloChannel(const http::ConnectionInfo& info, net::Stream& stream) : info_(info), stream_(stream) {}

  const http::ConnectionInfo& connection() const override { return info_; }
  net::Stream& stream() override { return stream_; }

 private:
  const http::ConnectionInfo& info_;
  net::Stream& stream_;
};

class HandshakeSubject final : public log::Subject {
 public:
  HandshakeSubject(const net::Endpoint& client, const http::ListenAddress& listen) : client_(client), listen_(listen) {}
  void describe(std::string& text) const override {
    text += " while SSL handshaking, client: " + client_.address_string() + ", server: " + listen_.text;
  }
  std::uint64_t connection() const override { return 0; }

 private:
  const net::Endpoint& client_;
  const http::ListenAddress& listen_;
};

}  // namespace

Handshake::Handshake(http::ConnectionHost& host, std::unique_ptr<net::TlsStream> stream, shared::Arrival arrival,
                     const http::ListenAddress& listen)
    : host_(host), runtime_(host.runtime), stream_(std::move(stream)), arrival_(std::move(arrival)), listen_(listen),
      since_(stream_->loop().now()) {
  host.connections.add(*this);
  http::WorkerCounters::add(host.worker.counters.active, 1);
}

Handshake::~Handshake() { http::WorkerCounters::add(host_.worker.counters.active, -1); }

void Handshake::make_room(std::string_view limit) {
  log::info(runtime_->error_log(), "client {}: an unfinished handshake makes room for a new client ({})",
            arrival_.peer.address_string(), limit);
  host_.worker.counters.count(http::Refusal::MadeRoom);
  stream_->close();
}

const http::ListenAddress* Handshake::listen_now() const {
  return host_.runtime == runtime_ ? &listen_ : host_.runtime->config().find_listen(listen_.text);
}

net::Task<std::unique_ptr<net::Stream>> Handshake::run() {
  using Kind = net::TlsOutcome::Kind;
  const auto& core = listen_.default_server->root.settings.get<http::CoreConf>();
  if (listen_.proxy_protocol && !co_await read_proxy_header(since_ + *core.client_header_timeout)) co_return nullptr;
  const net::TlsOutcome outcome = co_await stream_->accept(*this, *core.client_header_timeout);
  if (outcome.kind != Kind::Done && outcome.kind != Kind::Plain) {
    log_failure(outcome);
    co_return nullptr;
  }
  if (!outcome.text.empty()) log::error(runtime_->error_log(), HandshakeSubject(arrival_.peer, listen_), "{}", outcome.text);
  co_return std::move(stream_);
}

net::Task<bool> Handshake::read_proxy_header(net::TimePoint deadline) {
  arrival_.proxy_header = std::make_unique<net::ProxyHeader>();
  const net::ProxyHeaderOutcome outcome = co_await net::read_proxy_header(*stream_, deadline, *arrival_.proxy_header);
  if (outcome.kind == net::ProxyHeaderOutcome::Kind::Broken)
    log::error(runtime_->error_log(), "broken PROXY protocol header, client: {}, server: {}", arrival_.peer.address_string(),
               listen_.text);
  co_return outcome.kind == net::ProxyHeaderOutcome::Kind::Done;
}

void Handshake::log_failure(const net::TlsOutcome& outcome) const {
  using Kind = net::TlsOutcome::Kind;
  const log::ErrorLog& log = runtime_->error_log();
  const HandshakeSubject subject(arrival_.peer, listen_);
  switch (outcome.kind) {
    case Kind::Failed:
      log::write(log, outcome.is_ours ? log::Level::Error : log::Level::Info, subject,
                 "SSL_do_handshake() failed ({})", outcome.text);
      break;
    case Kind::TimedOut: log::info(log, subject, "client timed out ({})", outcome.error.message()); break;
    case Kind::Closed: log::info(log, subject, "peer closed connection in SSL handshake"); break;
    default: break;  // the worker ends
  }
}

std::shared_ptr<const net::TlsServer> Handshake::choose(std::string_view name) {
  return block_of(name).tls;
}

net::OcspAsker& Handshake::responders() { return clients_responders(); }

// A server without certificates of its own shows those of the address's default.
const http::ServerBlock& Handshake::block_of(std::string_view name) const {
  const http::ServerBlock* const named = name.empty() ? nullptr : listen_.names.find(name);
  return named && named->tls ? *named : *listen_.default_server;
}

std::vector<net::TlsKeyPair> Handshake::certificates(net::TlsStream& stream, const net::TlsServer& server) {
  http::ConnectionInfo info;
  info.client = arrival_.peer;
  info.listen = &listen_;
  if (!arrival_.local.is_empty()) info.local = std::make_unique<net::Endpoint>(arrival_.local);
  info.since = stream.loop().now();
  info.server = &block_of(stream.server_name());
  info.proxy_header = arrival_.proxy_header.get();

  net::Arena arena(stream.loop().buffers());
  HelloChannel channel(info, stream);
  http::Exchange exchange(runtime_, channel, arena);
  exchange.server = info.server;
  exchange.enter(info.server->root);
  exchange.host = stream.server_name();
  return shared::key_pairs(exchange, exchange.conf<http::TlsConf>(), server.options().directory);
}

}  // namespace weir::server
