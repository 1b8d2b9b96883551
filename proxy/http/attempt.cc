#include "http/attempt.h"

#include <linux/tcp.h>  // glibc's tcp_info lacks tcpi_bytes_acked
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "shared/address.h"
#include "http/core_conf.h"
#include "shared/proxy_tls.h"
#include "net/connect.h"
#include "net/wait.h"

namespace weir::http {

namespace {

constexpr unsigned kMostInterims = 16;
constexpr int kCloseWait = 8;  // TCP_CLOSE_WAIT, which <linux/tcp.h> lacks

// So many requests that wait in vain at one backend are a pile; fewer may just be slow ones.
constexpr std::uint32_t kPile = 3;
constexpr std::chrono::milliseconds kLookAgain{25};  // of one that waits in vain

// How long an answer of unknown length is held back for the rest of it, and how much of it at most.
constexpr std::chrono::milliseconds kHold{100};
constexpr std::uint64_t kMostHeld = 16 * 1024;

// How long a backend that failed a moment ago may take to show that it accepts connections and resets them.
constexpr std::chrono::milliseconds kCaution{5};
constexpr std::chrono::seconds kLately{1};

std::chrono::microseconds since(net::TimePoint start, net::TimePoint now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now - start);
}

/// What the system knows of a connection; zeros if it is none of TCP.
tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) info = {};
  return info;
}

bool failed_lately(const balancer::Backend& backend, net::TimePoint now) {
  return backend.failures() != 0 && now - backend.health().last_checked() < kLately;
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

net::Task<Result<>> Attempt::run(const OutgoingRequest& request, BodySource* body, Options options) {
  can_leave_ = options.can_leave;
  if (auto connected = co_await connect(request, options.fresh); !connected) co_return connected;
  channel_->begin({.method = request.method_id,
                   .head_limit = conf_.buffer_size->count(),
                   .read_timeout = *conf_.read_timeout,
                   .read_limit = conf_.limit_rate->is_empty_literal() ? 0 : conf_.buffer_size->count(),
                   .memory = &exchange_.arena()});
  channel_->begin_request(request);
  if (reused_ && !is_idempotent(request.method_id)) acked_before_ = info_of(channel_->stream().fd()).tcpi_bytes_acked;
  Result<> result = co_await send(body);
  sent_ = exchange_.loop().now();
  if (result && head_->status == 0) {
    head_deadline_ = sent_ + *conf_.read_timeout;
    look_at_ = *upstream_.settings.get<UpstreamConf>().hang_detection ? lease_.backend().pulse().overdue_from(sent_)
                                                                      : net::TimePoint::max();
    result = co_await read_head();
  }
  if (result) note_head();
  co_return result;
}

net::Task<Result<>> Attempt::wait_on(std::chrono::milliseconds pause) {
  look_at_ = exchange_.loop().now() + pause;
  Result<> result = co_await read_head();
  if (result) note_head();
  co_return result;
}

void Attempt::note_head() {
  hear();
  record().head = since(started_, exchange_.loop().now());
  record().status = head_->status;
  exchange_.upstream_head = head_;
}

/// The backend answers: what the lease needs to know of it.
void Attempt::hear() {
  if (std::exchange(heard_, true)) return;
  lease_.answered(sent_, exchange_.loop().now());
}

net::MaybeTask<Result<>> Attempt::connect(const OutgoingRequest& request, bool fresh) {
  if (fresh || !take_idle()) {
    const bool failed = fresh || lease_.is_check() || failed_lately(lease_.backend(), exchange_.loop().now());
    return connect_anew(failed && !is_idempotent(request.method_id));
  }
  reused_ = true;
  record().connect = std::chrono::microseconds(0);
  return Result<>();
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

net::Task<Result<>> Attempt::connect_anew(bool with_caution) {
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
  if (!connected.tls_failure.empty() && !connected.error.timed_out())
    co_return Error{Reason::ConnectFailed, connected.error, exchange_.keep(connected.tls_failure)};
  if (connected.error)
    co_return Error{connected.error.timed_out() ? Reason::ConnectTimeout : Reason::ConnectFailed, connected.error};
  record().connect = since(started_, exchange_.loop().now());
  channel_ = exchange_.runtime().worker().make_backend_channel(std::move(connected.stream));
  if (with_caution && co_await is_accepted_only()) {
    channel_.reset();
    co_return Error{Reason::ConnectFailed, {ECONNRESET}};
  }
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
  exchange_.client().begin_body_wait();
  net::Either ready = co_await net::wait_either(
      net::Condition{client, net::Direction::Read, *exchange_.conf<CoreConf>().client_body_timeout},
      net::Condition{channel_->stream(), net::Direction::Read});
  if (const net::IoError slow = exchange_.client().end_body_wait(); slow && !ready.second && !ready.error)
    ready = {true, false, slow};
  if (ready.error) {
    if (!ready.first) co_return client_closed();  // the worker ends
    if (ready.error.timed_out()) {
      exchange_.body.fails_with(408);
      exchange_.count_refusal(Refusal::BodyTime);
    }
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

/// Whether silence is not just unusual but a hang: when requests pile up, or when this one was to find out.
bool Attempt::has_piled_up() {
  const balancer::Pulse& pulse = lease_.backend().pulse();
  // Others were answered since this one was sent: then it is one that takes long, and proves nothing.
  if (pulse.last() > sent_) return false;
  return (std::exchange(is_counted_, true) ? pulse.overdue() : lease_.overdue()) >= kPile;
}

/// Whether the backend was found to hang and marked; asks when `look_at_` has come, and sets when to ask again.
bool Attempt::is_left_alone(net::TimePoint now) {
  const balancer::Backend& backend = lease_.backend();
  look_at_ = backend.pulse().overdue_from(sent_);  // it may have answered others meanwhile
  if (look_at_ > now) return false;
  look_at_ = now + kLookAgain;
  const bool was_marked = backend.is_failed();
  if (!was_marked && !lease_.is_check() && !has_piled_up()) return false;
  if (!lease_.hangs(now)) return false;
  if (!was_marked)
    log::warn(exchange_.runtime().error_log(), exchange_.subject(),
              "upstream hangs: {} requests wait at {}, and for {} ms it has answered none; it is left alone",
              backend.active(), record().address, since(sent_, now).count() / 1000);
  if (upstream_.monitor) upstream_.monitor->suspect(backend);
  return true;
}

// The whole head must come within proxy_read_timeout: a backend that sends it octet by octet is as good as dead.
net::Task<Result<>> Attempt::read_head() {
  for (;;) {
    Result<> step;
    if (auto read = channel_->try_read_head(*head_)) {
      if (!*read || !head_->is_interim()) co_return *read;
      hear();
      step = co_await pass_on_interim();
    } else {
      const net::TimePoint now = exchange_.loop().now();
      if (now >= head_deadline_) co_return Error{Reason::ReadTimeout, {ETIMEDOUT}};
      if (!heard_ && now >= look_at_ && is_left_alone(now) && can_leave_) co_return Error{Reason::Hangs};
      const net::TimePoint until = heard_ ? head_deadline_ : std::min(head_deadline_, look_at_);
      channel_->limit_waits(std::chrono::ceil<std::chrono::milliseconds>(until - now));
      step = co_await wait_for_backend();
      channel_->limit_waits(*conf_.read_timeout);
      if (!step && step.error().reason == Reason::ReadTimeout) continue;  // what is over may be our patience only
    }
    if (!step) co_return step;
  }
}

net::MaybeTask<Result<>> Attempt::read_ahead() {
  if (auto ready = channel_->try_read_ahead(kMostHeld)) {
    if (!*ready) return Result<>(ready->error());
    if (**ready || head_->framing.kind == Framing::Kind::Length) return Result<>();
    return collect_ahead();
  }
  return wait_ahead();
}

net::Task<Result<>> Attempt::wait_ahead() {
  for (;;) {
    if (const Result<> waited = co_await wait_for_backend(); !waited) co_return waited;
    if (const auto ready = channel_->try_read_ahead(kMostHeld)) co_return *ready ? Result<>() : ready->error();
  }
}

/// Reads ahead what has no known length, up to a buffer full and for a moment only: who sends events as they happen
/// must not be held up for long.
net::Task<Result<>> Attempt::collect_ahead() {
  if (head_->fields.value(FieldId::ContentType).starts_with("text/event-stream")) co_return Result<>();
  const net::TimePoint until = exchange_.loop().now() + kHold;
  static_assert(net::bytes_of(net::BufferSize::k16K) == kMostHeld);
  held_ = exchange_.loop().buffers().take(net::BufferSize::k16K);
  std::size_t used = 0;
  for (;;) {
    const BodyRead read = channel_->next();
    if (read.status == BodyStatus::Bad) co_return Error{Reason::BodyCut};
    if (read.status == BodyStatus::Data) {
      const std::size_t taken = std::min(read.data.size(), held_.size() - used);
      std::memcpy(held_.data() + used, read.data.data(), taken);
      used += taken;
      held_text_ = {held_.data(), used};
      held_rest_ = read.data.substr(taken);  // stays where it is until something more is read
      if (used == held_.size()) co_return Result<>();
      continue;
    }
    if (read.status == BodyStatus::End) co_return Result<>();
    const net::IoError filled = channel_->fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return Error{Reason::BodyCut, filled};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - exchange_.loop().now());
    if (left.count() <= 0) co_return Result<>();
    channel_->limit_waits(left);
    const Result<> waited = co_await wait_for_backend();
    channel_->limit_waits(*conf_.read_timeout);
    if (!waited && waited.error().reason != Reason::ReadTimeout) co_return waited;
  }
}

BodyRead Attempt::next_of_body() {
  if (!held_text_.empty()) return {BodyStatus::Data, std::exchange(held_text_, {})};
  if (!held_rest_.empty()) return {BodyStatus::Data, std::exchange(held_rest_, {})};
  return channel_->next();
}

}  // namespace weir::http
