#include "http/attempt.h"

#include <linux/tcp.h>  // glibc's tcp_info lacks tcpi_bytes_acked
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/patience.h"
#include "shared/address.h"

namespace weir::http {

namespace {

constexpr int kCloseWait = 8;  // TCP_CLOSE_WAIT, which <linux/tcp.h> lacks

/// What the system knows of a connection; zeros if it is none of TCP.
tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) info = {};
  return info;
}

PoolLimits pool_limits(const UpstreamBlock& upstream) {
  const UpstreamConf& conf = upstream.settings.get<UpstreamConf>();
  return {.connections = static_cast<std::size_t>(*conf.keepalive),
          .adapts = !conf.keepalive.is_set(),
          .requests = *conf.keepalive_requests,
          .idle = *conf.keepalive_timeout,
          .age = *conf.keepalive_time};
}

}  // namespace

Attempt::Attempt(Exchange& exchange, const UpstreamBlock& upstream, balancer::Lease lease, bool encrypted)
    : exchange_(exchange),
      upstream_(upstream),
      conf_(exchange.conf<ProxyConf>()),
      lease_(std::move(lease)),
      pool_key_(lease_.backend().id()),
      pool_(exchange.runtime().worker().pools.of(*upstream.group)),
      head_(exchange.make<ResponseHead>(&exchange.arena())),
      record_(exchange.attempts.size()),
      started_(exchange.loop().now()) {
  exchange.attempts.emplace_back();
  record().redirects = exchange.redirects;
  record().address = exchange.keep(socket_address(lease_.backend().address()));
  if (!conf_.bind->address.is_empty_literal()) choose_own_address();
  if (encrypted) choose_transport();
  pool_.lend();
}

Attempt::~Attempt() { release(); }

void Attempt::release() {
  if (released_) return;
  released_ = true;
  AttemptRecord& done = record();
  done.total = taken();
  pool_.unlend();
  if (answered_well_) lease_.succeeded(exchange_.loop().now());
  const balancer::Lease ended = std::move(lease_);
  if (!channel_) return;
  done.received = channel_->octets_received() + tunnel_received_;
  done.sent = channel_->octets_sent() + tunnel_sent_;
  channel_->end();
  if (sent_whole_ && channel_->is_reusable())
    pool_.give(pool_key_, std::move(channel_), pool_limits(upstream_));
  else
    channel_.reset();
}

std::chrono::microseconds Attempt::taken() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(exchange_.loop().now() - started_);
}

void Attempt::note_trailers(bool pass) {
  const Fields* const trailers = channel_->trailers();
  if (!trailers) return;
  // The channel's copy goes with the channel.
  Fields* const kept = exchange_.make<Fields>(&exchange_.arena());
  for (const Field& field : *trailers)
    kept->add({exchange_.keep(field.name), exchange_.keep(field.value), field.id});
  exchange_.upstream_trailers = kept;
  if (!pass) return;
  for (const Field& field : *kept) exchange_.response.trailers.add(field);
}

void Attempt::note_answer(bool is_error) {
  if (is_error) return lease_.erred(exchange_.loop().now());
  answered_well_ = true;
  lease_.first_byte(started_ + record().head);
}

balancer::Lease Attempt::take_lease() { return std::move(lease_); }

// As long as nothing of this request is acknowledged. Our own count tells, once it is known what the system's is ahead of it,
// and spares a call; not so with TLS, where more is sent than was given.
std::uint64_t Attempt::acked_so_far() const {
  net::Stream& stream = channel_->stream();
  std::optional<std::uint64_t>& ahead = channel_->acked_ahead_of_sent;
  if (ahead && stream.is_plain()) return *ahead + channel_->sent_before();
  const std::uint64_t acked = info_of(stream.fd()).tcpi_bytes_acked;
  if (acked != 0) ahead = acked - channel_->sent_before();
  return acked;
}

// A backend that closed the connection while it was idle ends it in order (FIN), and its system acknowledges nothing
// that came later. Octets that are not acknowledged prove nothing by themselves: a system may take 40 ms and more to do
// so, and a backend that has read and executed the request may reset the connection within that time. Of a connection
// that is reset after its orderly end the system says EPIPE, of one that is reset otherwise ECONNRESET.
bool Attempt::surely_unread() const {
  if (!request_left()) return true;
  if (!reused_ || acked_before_ == 0 || !channel_->stream().is_open()) return false;
  const tcp_info info = info_of(channel_->stream().fd());
  return info.tcpi_bytes_acked == acked_before_ && (info.tcpi_state == kCloseWait || was_ended_in_order());
}

bool Attempt::was_ended_in_order() const {
  if (!ended_in_order_)  // asking takes the error away, so it is asked for once
    ended_in_order_ = channel_->send_error().code == EPIPE || channel_->stream().take_error().code == EPIPE;
  return *ended_in_order_;
}

net::MaybeTask<Result<>> Attempt::run(const OutgoingRequest& request, BodySource* body, Options options) {
  can_leave_ = options.can_leave;
  if (options.fresh || !take_idle()) return connect_and_ask(request, body, options.fresh);
  reused_ = true;
  record().connect = std::chrono::microseconds(0);
  return ask(request, body);
}

net::Task<Result<>> Attempt::connect_and_ask(const OutgoingRequest& request, BodySource* body, bool fresh) {
  const bool failed = fresh || lease_.is_check() || failed_lately();
  if (auto connected = co_await connect(failed && !is_idempotent(request.method_id)); !connected) co_return connected;
  co_return co_await ask(request, body);
}

/// Sends the request over the connection that there is, and reads the answer's head.
net::MaybeTask<Result<>> Attempt::ask(const OutgoingRequest& request, BodySource* body) {
  channel_->begin({.method = request.method_id,
                   .head_limit = conf_.buffer_size->count(),
                   .read_timeout = *conf_.read_timeout,
                   .read_limit = conf_.limit_rate->is_empty_literal() ? 0 : conf_.buffer_size->count(),
                   .memory = &exchange_.arena()});
  channel_->begin_request(request);
  if (reused_ && !is_idempotent(request.method_id)) acked_before_ = acked_so_far();
  auto sending = send(body);
  if (!sending.value()) return send_and_hear(std::move(sending));
  if (!*sending.value()) return sending;
  return hear_answer();
}

net::Task<Result<>> Attempt::send_and_hear(net::MaybeTask<Result<>> sending) {
  const Result<> sent = co_await sending;
  if (!sent) co_return sent;
  co_return co_await hear_answer();
}

/// The request was sent, or the backend answered before.
net::MaybeTask<Result<>> Attempt::hear_answer() {
  sent_ = exchange_.loop().now();
  if (head_->status != 0) {
    note_head();
    return Result<>();
  }
  head_deadline_ = sent_ + *conf_.read_timeout;
  look_at_ = *upstream_.settings.get<UpstreamConf>().hang_detection ? lease_.backend().pulse().overdue_from(sent_)
                                                                    : net::TimePoint::max();
  return read_head();
}

net::Task<Result<>> Attempt::wait_on(std::chrono::milliseconds pause) {
  look_at_ = exchange_.loop().now() + pause;
  return read_head();
}

void Attempt::note_head() {
  hear();
  record().head = taken();
  record().status = head_->status;
  exchange_.upstream_head = head_;
}

/// The backend answers: what the lease needs to know of it.
void Attempt::hear() {
  if (std::exchange(heard_, true)) return;
  lease_.answered(sent_, exchange_.loop().now());
}

/// Has on_event called when the client goes away. Returns false if it is gone already.
bool Attempt::watch_client() {
  if (is_client_gone(exchange_)) return false;
  exchange_.client().stream().watch(this);
  return true;
}

void Attempt::on_event(net::Stream&) {
  if (!is_client_gone(exchange_)) return;
  if (connecting_)
    connecting_->cancel();
  else if (channel_)
    channel_->stream().cancel();
}

Result<> Attempt::client_closed() {
  exchange_.client_gone = true;
  return Error{Reason::ClientClosed};
}

net::Task<Result<>> Attempt::wait_for_backend() {
  if (!watch_client()) co_return client_closed();
  co_return end_wait(co_await channel_->wait());
}

/// A wait for the backend is over, for which the client was watched.
Result<> Attempt::end_wait(net::IoError waited) {
  exchange_.client().stream().watch(nullptr);
  if (waited.timed_out()) return Error{Reason::ReadTimeout, waited};
  return waited ? client_closed() : Result<>();
}

}  // namespace weir::http
