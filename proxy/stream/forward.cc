#include "stream/forward.h"

#include <algorithm>

#include "net/connect.h"
#include "net/relay.h"
#include "shared/address.h"
#include "shared/panic.h"
#include "shared/proxy_tls.h"
#include "stream/destination.h"
#include "stream/forward_datagrams.h"
#include "stream/proxy_conf.h"
#include "stream/proxy_values.h"
#include "stream/tries.h"

namespace weir::stream {

namespace {

std::chrono::microseconds since(net::TimePoint began, net::TimePoint now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now - began);
}

/// One try of a session at one backend.
class Attempt final : private net::StreamWatcher, private net::RelayObserver {
 public:
  Attempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease)
      : session_(session),
        conf_(session.conf<ProxyConf>()),
        upstream_(upstream),
        lease_(std::move(lease)),
        index_(session.attempts.size()),
        began_(session.loop().now()) {
    session.attempts.emplace_back();
    record().address = session.keep(socket_address(lease_.backend().address()));
  }
  Attempt(const Attempt&) = delete;
  ~Attempt() { record().total = since(began_, session_.loop().now()); }

  const balancer::Lease& lease() const { return lease_; }
  AttemptRecord& record() { return session_.attempts[index_]; }

  /// What came of a connect.
  enum class Connected : std::uint8_t { Yes, Failed, ClientGone, OwnFault };
  net::Task<Connected> connect();
  /// Passes octets both ways until the session is over.
  net::Task<void> relay();

 private:
  Connected explain(const net::ConnectResult& connected);
  void note_failure();
  void note_connected();
  void explain(const net::RelayResult& result) const;

  void on_event(net::Stream& client) override {
    if (client.broken() && connecting_) connecting_->cancel();
  }
  void on_first_from_b() override {
    record().first_byte = since(began_, session_.loop().now());
    if (!upstream_.timed_by_connect) lease_.first_byte(session_.loop().now());
  }

  Session& session_;
  const ProxyConf& conf_;
  const UpstreamBlock& upstream_;
  balancer::Lease lease_;
  const std::size_t index_;
  const net::TimePoint began_;
  net::Stream* connecting_ = nullptr;
  std::unique_ptr<net::Stream> backend_;
};

net::Task<Attempt::Connected> Attempt::connect() {
  const auto endpoint = net::Endpoint::parse(record().address);
  if (!endpoint) {
    log::error(session_.error_log(), session_, "the address of the backend is not one");
    co_return Connected::Failed;
  }
  net::ConnectOptions options;
  options.keepalive = *conf_.socket_keepalive;
  options.bind = own_address(session_);
  options.transparent = conf_.bind->transparent;
  const std::string header = proxy_header(session_, net::ProxyTransport::Stream);
  options.first = header;
  options.under_way = &connecting_;
  std::optional<net::TlsTarget> tls;
  if (*conf_.ssl) {
    const ProxyTlsConf& conf = session_.conf<ProxyTlsConf>();
    tls = tls_target(session_, conf, upstream_.name, record().address);
    options.tls = &*tls;
  }
  // Who only ended its own side waits for what the backend says; who is gone for good does not.
  session_.client().watch(this);
  net::ConnectResult connected =
      co_await net::connect(session_.loop(), *endpoint, *conf_.connect_timeout, std::move(options));
  session_.client().watch(nullptr);
  if (!connected.stream) co_return explain(connected);
  backend_ = std::move(connected.stream);
  record().sent = header.size();
  note_connected();
  co_return Connected::Yes;
}

Attempt::Connected Attempt::explain(const net::ConnectResult& connected) {
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
  // What Weir itself has run out of is not the backend's fault.
  const int code = connected.error.code;
  if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM) return Connected::OwnFault;
  note_failure();
  return Connected::Failed;
}

void Attempt::note_failure() {
  lease_.failed(session_.loop().now());
  if (upstream_.monitor) upstream_.monitor->suspect(lease_.backend());
}

// A backend that takes the connection works, as far as anybody can know here: there may never be an octet from it.
void Attempt::note_connected() {
  const net::TimePoint now = session_.loop().now();
  record().connect = since(began_, now);
  if (upstream_.timed_by_connect || lease_.is_check()) lease_.first_byte(now);
  log::info(session_.error_log(), session_, "proxy {} connected to {}",
            net::Endpoint::local_of(backend_->fd()).to_string(), record().address);
}

net::Task<void> Attempt::relay() {
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
  const net::RelayResult result = co_await net::relay(session_.client(), *backend_, options);
  session_.received += up.read;
  session_.sent += down.delivered;
  record().sent += up.delivered;
  record().received = down.read;
  if (!result.error || result.side != net::RelayResult::Side::B) lease_.succeeded(session_.loop().now());
  explain(result);
  backend_->close();
}

void Attempt::explain(const net::RelayResult& result) const {
  using Side = net::RelayResult::Side;
  const log::ErrorLog& log = session_.error_log();
  const std::string_view call = result.on_send ? "send()" : "recv()";
  if (result.error.timed_out() && result.side == Side::None)
    log::info(log, session_, "connection timed out ({}) while proxying connection", result.error.message());
  else if (result.error.canceled())
    log::info(log, session_, "session ended with its worker while proxying connection");
  else if (result.error)
    log::write(log, result.side == Side::B ? log::Level::Error : log::Level::Info, session_,
               "{} failed ({}) while proxying and {} {}", call, result.error.message(),
               result.on_send ? "sending to" : "reading from", result.side == Side::B ? "upstream" : "client");
  else
    log::info(log, session_, "{} disconnected", result.first_end == Side::B ? "upstream" : "client");
}

}  // namespace

net::Task<PhaseResult> forward(Session& session) {
  if (session.datagrams()) co_return co_await forward_datagrams(session);
  const std::optional<Destination> destination = co_await find_destination(session);
  if (!destination) co_return PhaseResult::end(status::kInternal);
  session.is_proxying = true;
  Tries tries(session, *destination->upstream);
  while (auto lease = destination->reader->acquire(tries.next_pick())) {
    tries.note(*lease);
    shared::note_panic(*destination->reader, *lease, session.error_log());
    Attempt attempt(session, *destination->upstream, std::move(*lease));
    const Attempt::Connected connected = co_await attempt.connect();
    if (connected == Attempt::Connected::Yes) {
      co_await attempt.relay();
      co_return PhaseResult::end(status::kOk);
    }
    if (connected == Attempt::Connected::ClientGone) co_return PhaseResult::end(status::kOk);
    if (connected == Attempt::Connected::OwnFault) co_return PhaseResult::end(status::kInternal);
    if (!tries.allow_another()) co_return PhaseResult::end(status::kBadGateway);
  }
  log::error(session.error_log(), session, "no live upstreams while connecting to upstream");
  if (session.attempts.empty()) session.attempts.emplace_back().address = session.keep(destination->upstream->name);
  co_return PhaseResult::end(status::kBadGateway);
}

}  // namespace weir::stream
