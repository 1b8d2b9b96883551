#include "stream/forward.h"

#include "net/connect.h"
#include "net/relay.h"
#include "shared/proxy_tls.h"
#include "stream/attempt.h"
#include "stream/core_conf.h"
#include "stream/drop_watch.h"
#include "stream/forward_datagrams.h"
#include "stream/proxy_values.h"

namespace weir::stream {

namespace {

/// A connect that is under way.
struct PatientConnect final : Session::Awaited {
  using Awaited::Awaited;
  void give_up() override {
    if (stream) stream->cancel();
  }
  net::Stream* stream = nullptr;
};

/// A connection to a backend that is relayed to. Closed, since which of the two sides is waited for is not known, if any.
struct Relayed final : Session::Awaited {
  Relayed(Session& session, net::Stream& its_backend) : Awaited(session, Client::IsNot), backend(its_backend) {}
  void give_up() override { backend.close(); }
  net::Stream& backend;
};

class StreamAttempt final : public Attempt {
 public:
  StreamAttempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease)
      : Attempt(session, upstream, std::move(lease)) {}

  net::Task<Connected> connect();
  /// Passes octets both ways until the session is over. Returns its status.
  net::Task<int> relay();

 private:
  Connected explain(const net::ConnectResult& connected);
  void explain(const net::RelayResult& result) const;

  std::unique_ptr<net::Stream> backend_;
};

net::Task<Attempt::Connected> StreamAttempt::connect() {
  const auto endpoint = net::Endpoint::parse(record().address);
  if (!endpoint) {
    log::error(session_.error_log(), session_, "the address of the backend is not one");
    co_return Connected::Failed;
  }
  net::ConnectOptions options;
  options.keepalive = *conf_.socket_keepalive;
  options.no_delay = *session_.conf<CoreConf>().tcp_nodelay;
  options.receive_buffer = static_cast<int>(conf_.socket_rcvbuf->count());
  options.send_buffer = static_cast<int>(conf_.socket_sndbuf->count());
  options.bind = own_address(session_);
  options.transparent = conf_.bind->transparent;
  const std::string header = proxy_header(session_, net::ProxyTransport::Stream);
  options.first = header;
  std::optional<net::TlsTarget> tls;
  if (*conf_.ssl) {
    const ProxyTlsConf& conf = session_.conf<ProxyTlsConf>();
    tls = tls_target(session_, conf, upstream_.name, record().address);
    options.tls = &*tls;
  }
  net::ConnectResult connected;
  {
    PatientConnect patient(session_);
    options.under_way = &patient.stream;
    connected = co_await net::connect(session_.loop(), *endpoint, *conf_.connect_timeout, std::move(options));
  }
  if (!connected.stream) co_return explain(connected);
  backend_ = std::move(connected.stream);
  record().sent = header.size();
  // A backend that takes the connection works, as far as anybody can know here: there may never be an octet from it.
  note_connected();
  log::info(session_.error_log(), session_, "proxy {} connected to {}",
            net::Endpoint::local_of(backend_->fd()).to_string(), record().address);
  co_return Connected::Yes;
}

Attempt::Connected StreamAttempt::explain(const net::ConnectResult& connected) {
  const log::ErrorLog& log = session_.error_log();
  if (connected.error.canceled()) {
    log::info(log, session_, "client disconnected while connecting to upstream");
    return Connected::ClientGone;
  }
  if (!connected.tls_failure.empty() && !connected.error.timed_out())
    log::error(log, session_, "{} while SSL handshaking to upstream", connected.tls_failure);
  else if (connected.error.timed_out())
    log::error(log, session_, "upstream timed out ({}) while connecting to upstream", connected.error.message());
  else
    log::error(log, session_, "connect() failed ({}) while connecting to upstream", connected.error.message());
  return connected.is_ours ? Connected::OwnFault : note_unconnected(connected.error);
}

net::Task<int> StreamAttempt::relay() {
  net::RelayCount up, down;
  net::RelayOptions options;
  options.idle = *conf_.timeout;
  options.buffer = net::BufferPool::fitting(conf_.buffer_size->count());
  options.first_to_b = session_.take_preread();
  options.half_close = *conf_.half_close;
  options.a_rate = rate_of(session_, *conf_.upload_rate);
  options.b_rate = rate_of(session_, *conf_.download_rate);
  options.a_to_b = &up;
  options.b_to_a = &down;
  options.observer = this;
  Relayed relayed(session_, *backend_);
  const DropWatch drop(session_, lease_.backend(), [&relayed] { relayed.give_up(); });
  const net::RelayResult result = co_await net::relay(session_.client(), *backend_, options);
  session_.received += up.read;
  session_.sent += down.delivered;
  record().sent += up.delivered;
  record().received = down.read;
  if (!result.error || result.side != net::RelayResult::Side::B) lease_.succeeded(session_.loop().now());
  explain(result);
  backend_->close();
  co_return status::kOk;
}

void StreamAttempt::explain(const net::RelayResult& result) const {
  using Side = net::RelayResult::Side;
  const log::ErrorLog& log = session_.error_log();
  const std::string_view call = result.on_send ? "send()" : "recv()";
  if (result.error.timed_out() && result.side == Side::None)
    log::info(log, session_, "connection timed out ({}) while proxying connection", result.error.message());
  else if (result.error.canceled())
    log::info(log, session_, "session closed while proxying connection");
  else if (result.error)
    log::write(log, result.side == Side::B ? log::Level::Error : log::Level::Info, session_,
               "{} failed ({}) while proxying and {} {}", call, result.error.message(),
               result.on_send ? "sending to" : "reading from", result.side == Side::B ? "upstream" : "client");
  else
    log::info(log, session_, "{} disconnected", result.first_end == Side::B ? "upstream" : "client");
}

}  // namespace

net::Task<PhaseResult> forward(Session& session) {
  return session.datagrams() ? forward_datagrams(session) : forward_by<StreamAttempt>(session);
}

}  // namespace weir::stream
