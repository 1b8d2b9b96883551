// How an attempt comes to a connection: an idle one of the pool, or a new one.
#include <functional>

#include "http/attempt.h"
#include "net/connect.h"
#include "shared/proxy_tls.h"

namespace weir::http {

namespace {

// How long a backend that failed a moment ago may take to show that it accepts connections and resets them.
constexpr std::chrono::milliseconds kCaution{5};
constexpr std::chrono::seconds kLately{1};

}  // namespace

bool Attempt::failed_lately() const {
  const balancer::Backend& backend = lease_.backend();
  return backend.failures() != 0 && exchange_.loop().now() - backend.health().last_checked() < kLately;
}

void Attempt::choose_own_address() {
  const std::string_view text = conf_.bind->address.evaluate(exchange_);
  if (text.empty()) return;
  bind_ = net::Endpoint::parse(text);
  if (!bind_) bind_ = net::Endpoint::from_address(text, 0);
  if (!bind_ || bind_->is_unix()) {
    bind_.reset();
    log::error(exchange_.runtime().error_log(), exchange_.subject(), "invalid local address \"{}\" in proxy_bind", text);
    return;
  }
  // A connection that came from another address must not be reused.
  pool_key_ ^= std::hash<std::string_view>()(text) | 1;
}

void Attempt::choose_transport() {
  tls_ = tls_target(exchange_, exchange_.conf<ProxyTlsConf>(), exchange_.proxy_host, record().address);
  pool_key_ ^= std::hash<std::string>()(tls_->peer()) ^ std::hash<const void*>()(tls_->client.get());
}

/// Takes an idle connection, if there is one that is just what a new one would be. Keys may collide, and what is at
/// stake is who reads the request: so the connection itself is asked.
bool Attempt::take_idle() {
  while ((channel_ = pool_.take(pool_key_))) {
    const net::Stream& stream = channel_->stream();
    if (tls_ ? tls_->fits(stream) : stream.tls() == nullptr) return true;
  }
  return false;
}

/// Whether the backend accepts connections only to break them off. Worth a moment if it failed lately, for a request
/// that may be sent only once.
net::Task<bool> Attempt::is_accepted_only() {
  net::Stream& stream = channel_->stream();
  if (const net::IoError waited = co_await stream.readable(kCaution)) co_return false;
  co_return stream.peer_closed() || stream.broken();
}

/// Gives a connection up that is being made to a backend which does not even answer that, and has been found to hang.
class Attempt::ConnectWatch final : net::Timer {
 public:
  explicit ConnectWatch(Attempt& attempt) : Timer(attempt.exchange_.loop().timers()), attempt_(attempt) {
    attempt_.sent_ = attempt_.exchange_.loop().now();
    if (!*attempt_.upstream_.settings.get<UpstreamConf>().hang_detection) return;
    attempt_.look_at_ = attempt_.lease_.backend().pulse().overdue_from(attempt_.sent_);
    if (attempt_.look_at_ != net::TimePoint::max()) arm_at(attempt_.look_at_);
  }
  bool has_given_up() const { return has_given_up_; }

 private:
  void on_timer() override {
    if (!attempt_.connecting_) return;
    has_given_up_ = attempt_.is_left_alone(attempt_.exchange_.loop().now());
    if (has_given_up_)
      attempt_.connecting_->cancel();
    else
      arm_at(attempt_.look_at_);
  }

  Attempt& attempt_;
  bool has_given_up_ = false;
};

net::Task<Result<>> Attempt::connect(bool with_caution) {
  const auto endpoint = net::Endpoint::parse(record().address);
  if (!endpoint) co_return Error{Reason::Internal, {}, "the address of the backend is not one"};
  net::ConnectOptions options;
  options.keepalive = *conf_.socket_keepalive;
  options.bind = bind_;
  options.transparent = conf_.bind->transparent;
  options.under_way = &connecting_;
  if (tls_) options.tls = &*tls_;
  if (!watch_client()) co_return client_closed();
  const ConnectWatch watch(*this);
  net::ConnectResult connected =
      co_await net::connect(exchange_.loop(), *endpoint, *conf_.connect_timeout, std::move(options));
  exchange_.client().stream().watch(nullptr);
  if (connected.error.canceled()) {
    // Nothing was sent, so any request may go elsewhere, as after proxy_connect_timeout.
    if (watch.has_given_up()) co_return Error{Reason::ConnectTimeout, {ETIMEDOUT}};
    co_return client_closed();
  }
  // What Weir itself has run out of is not the backend's fault.
  if (net::is_own_shortage(connected.error))
    co_return Error{Reason::NoDescriptor, connected.error};
  if (connected.is_ours) co_return Error{Reason::Internal, {}, exchange_.keep(connected.tls_failure)};
  if (!connected.tls_failure.empty() && !connected.error.timed_out())
    co_return Error{Reason::ConnectFailed, connected.error, exchange_.keep(connected.tls_failure)};
  if (connected.error)
    co_return Error{connected.error.timed_out() ? Reason::ConnectTimeout : Reason::ConnectFailed, connected.error};
  record().connect = taken();
  channel_ = exchange_.runtime().worker().make_backend_channel(std::move(connected.stream));
  if (with_caution && co_await is_accepted_only()) {
    channel_.reset();
    co_return Error{Reason::ConnectFailed, {ECONNRESET}};
  }
  co_return Result<>();
}

}  // namespace weir::http
