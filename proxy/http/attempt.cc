#include "http/attempt.h"

#include <linux/tcp.h>  // glibc's tcp_info lacks tcpi_bytes_acked
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>

#include "http/address.h"
#include "http/core_conf.h"
#include "http/proxy_tls.h"
#include "net/connect.h"
#include "net/wait.h"

namespace weir::http {

namespace {

constexpr unsigned kMostInterims = 16;
constexpr std::uint64_t kMostAhead = 16 * 1024;  // octets of a response that are held back until they are complete

std::chrono::microseconds since(net::TimePoint start, net::TimePoint now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now - start);
}

/// Octets that the peer's system has acknowledged on this connection; 0 if the kernel cannot tell.
std::uint64_t octets_acked(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_acked;
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
  done.total = since(started_, exchange_.loop().now());
  pool_.unlend();
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

balancer::Lease Attempt::take_lease() { return std::move(lease_); }

bool Attempt::surely_unread() const {
  if (!request_left()) return true;
  return reused_ && acked_before_ != 0 && channel_->stream().is_open() &&
         octets_acked(channel_->stream().fd()) == acked_before_;
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
  tls_ = tls_target(exchange_, record().address);
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

net::Task<Result<>> Attempt::run(const OutgoingRequest& request, BodySource* body, bool fresh) {
  if (auto connected = co_await connect(fresh); !connected) co_return connected;
  channel_->begin({.method = request.method_id,
                   .head_limit = conf_.buffer_size->count(),
                   .read_timeout = *conf_.read_timeout,
                   .read_limit = conf_.limit_rate->is_empty_literal() ? 0 : conf_.buffer_size->count(),
                   .memory = &exchange_.arena()});
  channel_->begin_request(request);
  if (reused_ && !is_idempotent(request.method_id)) acked_before_ = octets_acked(channel_->stream().fd());
  Result<> result = co_await send(body);
  if (result && head_->status == 0) result = co_await read_head();
  if (result) {
    record().head = since(started_, exchange_.loop().now());
    record().status = head_->status;
    exchange_.upstream_head = head_;
  }
  co_return result;
}

net::MaybeTask<Result<>> Attempt::connect(bool fresh) {
  if (fresh || !take_idle()) return connect_anew();
  reused_ = true;
  record().connect = std::chrono::microseconds(0);
  return Result<>();
}

net::Task<Result<>> Attempt::connect_anew() {
  const auto endpoint = net::Endpoint::parse(record().address);
  if (!endpoint) co_return Error{Reason::Internal, {}, "the address of the backend is not one"};
  net::ConnectOptions options;
  options.keepalive = *conf_.socket_keepalive;
  options.bind = bind_;
  options.transparent = conf_.bind->transparent;
  options.under_way = &connecting_;
  if (tls_) options.tls = &*tls_;
  if (!watch_client()) co_return client_closed();
  net::ConnectResult connected =
      co_await net::connect(exchange_.loop(), *endpoint, *conf_.connect_timeout, std::move(options));
  exchange_.client().stream().watch(nullptr);
  if (connected.error.canceled()) co_return client_closed();
  if (!connected.tls_failure.empty() && !connected.error.timed_out())
    co_return Error{Reason::ConnectFailed, connected.error, exchange_.keep(connected.tls_failure)};
  if (connected.error)
    co_return Error{connected.error.timed_out() ? Reason::ConnectTimeout : Reason::ConnectFailed, connected.error};
  record().connect = since(started_, exchange_.loop().now());
  channel_ = exchange_.runtime().worker().make_backend_channel(std::move(connected.stream));
  co_return Result<>();
}

// The usual request has no body, and its head fits: one system call, no wait.
net::MaybeTask<Result<>> Attempt::send(BodySource* body) {
  if (body) return send_body(body);
  switch (channel_->try_send({}, true)) {
    case SendStatus::Sent: sent_whole_ = true; return Result<>();
    case SendStatus::Blocked: return push_head();
    case SendStatus::Failed: break;
  }
  return send_failed();
}

net::Task<Result<>> Attempt::push_head() {
  for (;;) {
    if (auto ended = co_await wait_to_push(true)) co_return *ended;
    switch (channel_->push()) {
      case SendStatus::Sent: sent_whole_ = true; co_return Result<>();
      case SendStatus::Blocked: break;
      case SendStatus::Failed: co_return send_failed();
    }
  }
}

net::Task<Result<>> Attempt::send_body(BodySource* body) {
  BodyPieces pieces;
  bool head_pending = true;
  for (;;) {
    pieces.clear();
    const BodyStatus status = collect(*body, pieces);
    if (status == BodyStatus::Bad) co_return Error{Reason::RequestBodyFailed};
    const bool last = status == BodyStatus::End;
    if (head_pending || last || !pieces.is_empty()) {
      SendStatus sent = channel_->try_send(pieces.all(), last);
      head_pending = false;
      while (sent == SendStatus::Blocked) {
        if (auto ended = co_await wait_to_push(last)) co_return *ended;
        sent = channel_->push();
      }
      if (sent == SendStatus::Failed) co_return send_failed();
    }
    if (last) {
      sent_whole_ = true;
      co_return Result<>();
    }
    if (status == BodyStatus::Data) continue;
    const net::IoError filled = body->fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return Error{Reason::RequestBodyFailed, filled};
    if (auto ended = co_await wait_for_client()) co_return *ended;
  }
}

// A backend that refuses a request may answer and close before it has read everything; its answer counts.
Result<> Attempt::send_failed() {
  const net::IoError cause = channel_->send_error();
  for (unsigned i = 0; i < kMostInterims; ++i) {
    const auto early = channel_->try_read_head(*head_);
    if (!early || !*early) break;
    if (!head_->is_interim()) return Result<>();
    head_->reset();
  }
  head_->reset();
  return Error{Reason::SendFailed, cause};
}

/// Has on_event called when the client goes away. Returns false if it is gone already.
bool Attempt::watch_client() {
  if (*conf_.ignore_client_abort) return true;
  net::Stream& client = exchange_.client().stream();
  if (client.peer_closed()) return false;
  client.watch(this);
  return true;
}

void Attempt::on_event(net::Stream& client) {
  if (!client.peer_closed()) return;
  if (connecting_)
    connecting_->cancel();
  else if (channel_)
    channel_->stream().cancel();
}

Result<> Attempt::client_closed() {
  exchange_.client_gone = true;
  return Error{Reason::ClientClosed};
}

// The backend takes no more for now. Returns nothing when it does again, or how sending ended.
net::Task<std::optional<Result<>>> Attempt::wait_to_push(bool body_is_whole) {
  net::Stream& backend = channel_->stream();
  // As long as the client has to send, its end shows when its body is read.
  const bool watching = body_is_whole && exchange_.client().request_ended();
  if (watching && !watch_client()) co_return client_closed();
  const net::Either ready =
      co_await net::wait_either(backend, backend, std::chrono::milliseconds(0), *conf_.send_timeout);
  if (watching) exchange_.client().stream().watch(nullptr);
  if (ready.error.canceled()) co_return client_closed();
  if (ready.error) co_return Error{ready.error.timed_out() ? Reason::SendTimeout : Reason::SendFailed, ready.error};
  if (ready.first) co_return co_await early_answer();
  co_return std::nullopt;
}

// The client's body pauses. The backend may answer meanwhile.
net::Task<std::optional<Result<>>> Attempt::wait_for_client() {
  net::Stream& client = exchange_.client().stream();
  const net::Either ready = co_await net::wait_either(
      net::Condition{client, net::Direction::Read, *exchange_.conf<CoreConf>().client_body_timeout},
      net::Condition{channel_->stream(), net::Direction::Read});
  if (ready.error) {
    if (!ready.first) co_return client_closed();  // the worker ends
    if (ready.error.timed_out()) exchange_.body.fails_with(408);
    co_return Error{Reason::RequestBodyFailed, ready.error};
  }
  if (ready.second) co_return co_await early_answer();
  co_return std::nullopt;
}

// Something came from the backend before it was sent everything: an answer ends the sending.
net::Task<std::optional<Result<>>> Attempt::early_answer() {
  for (;;) {
    auto read = channel_->try_read_head(*head_);
    if (!read) co_return std::nullopt;
    if (!*read || !head_->is_interim()) co_return *read;
    if (const Result<> passed = co_await pass_on_interim(); !passed) co_return passed;
  }
}

net::Task<Result<>> Attempt::wait_for_backend() {
  if (!watch_client()) co_return client_closed();
  const net::IoError waited = co_await channel_->wait();
  exchange_.client().stream().watch(nullptr);
  if (waited.timed_out()) co_return Error{Reason::ReadTimeout, waited};
  if (waited) co_return client_closed();
  co_return Result<>();
}

/// Early hints are passed on unless `early_hints` is there to decide.
bool Attempt::wants_early_hints() {
  if (!conf_.early_hints.is_set()) return true;
  return std::any_of(conf_.early_hints->begin(), conf_.early_hints->end(), [this](const Template& condition) {
    const std::string_view value = condition.evaluate(exchange_);
    return !value.empty() && value != "0";
  });
}

// RFC 9110 15.2: interim responses are passed on, but for the 100 that Weir may have asked for itself.
net::Task<Result<>> Attempt::pass_on_interim() {
  if (++interims_ > kMostInterims) co_return Error{Reason::BadHead, {}, "too many interim responses"};
  if (head_->status != 100 && (head_->status != 103 || wants_early_hints())) {
    Fields fields(&exchange_.arena());
    for (const Field& field : head_->fields)
      if (!is_hop_by_hop(field, head_->connection) && field.id != FieldId::ContentLength) fields.add(field);
    if (co_await exchange_.client().send_interim(head_->status, fields)) co_return client_closed();
  }
  head_->reset();
  co_return Result<>();
}

// The whole head must come within proxy_read_timeout: a backend that sends it octet by octet is as good as dead.
net::Task<Result<>> Attempt::read_head() {
  const net::TimePoint deadline = exchange_.loop().now() + *conf_.read_timeout;
  for (;;) {
    Result<> step;
    if (auto read = channel_->try_read_head(*head_)) {
      if (!*read || !head_->is_interim()) co_return *read;
      step = co_await pass_on_interim();
    } else {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - exchange_.loop().now());
      if (left.count() <= 0) co_return Error{Reason::ReadTimeout, {ETIMEDOUT}};
      channel_->limit_waits(left);
      step = co_await wait_for_backend();
      channel_->limit_waits(*conf_.read_timeout);
    }
    if (!step) co_return step;
  }
}

net::MaybeTask<Result<>> Attempt::read_ahead() {
  if (const auto ready = channel_->try_read_ahead(kMostAhead)) return *ready ? Result<>() : ready->error();
  return wait_ahead();
}

net::Task<Result<>> Attempt::wait_ahead() {
  for (;;) {
    if (const Result<> waited = co_await wait_for_backend(); !waited) co_return waited;
    if (const auto ready = channel_->try_read_ahead(kMostAhead)) co_return *ready ? Result<>() : ready->error();
  }
}

}  // namespace weir::http
