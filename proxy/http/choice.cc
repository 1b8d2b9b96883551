#include "http/choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "http/date.h"
#include "http/patience.h"
#include "net/out_of_memory.h"
#include "shared/key.h"

namespace weir::http {

namespace {

// How often a queued request looks for what nobody calls it for.
constexpr std::chrono::milliseconds kLook{100};

/// Where a queued request waits. The library calls `room` on any thread; the rest happens on the exchange's loop.
class PatientExchange final : public balancer::Queue::Waiter, private net::StreamWatcher, private net::Timer {
 public:
  enum class Ended : std::uint8_t { NotYet, Looks, Called, TimedOut, ClientGone };

  PatientExchange(Exchange& exchange, balancer::UpstreamReader& reader, std::string_view route,
                  std::chrono::milliseconds timeout)
      : Timer(exchange.loop().timers()),
        exchange_(exchange),
        reader_(reader),
        route_(route),
        until_(timeout.count() > 0 ? exchange.loop().now() + timeout : net::TimePoint::max()),
        self_(std::make_shared<PatientExchange*>(this)) {
    arm_at(std::min(until_, exchange.loop().now() + kLook));
    if (is_client_gone(exchange)) ended_ = Ended::ClientGone;
    exchange.client().stream().watch(this);
  }
  ~PatientExchange() override {
    *self_ = nullptr;
    exchange_.client().stream().watch(nullptr);
  }

  /// `co_await` it: waits for a call, the end of the client's patience or of ours. Calls come once each. It also ends
  /// when a pick may find what was not announced.
  bool await_ready() const noexcept { return ended_ != Ended::NotYet; }
  void await_suspend(std::coroutine_handle<> coroutine) { coroutine_ = coroutine; }
  Ended await_resume() {
    const Ended how = ended_;
    if (how == Ended::Called || how == Ended::Looks) ended_ = Ended::NotYet;
    return how;
  }

 private:
  void room() noexcept override {
    // Who is not told for want of memory finds out when its patience ends.
    net::OutOfMemory::unless([this] {
      exchange_.loop().post([weak = self_] {
        if (*weak) (*weak)->end(Ended::Called);
      });
    });
  }
  void on_timer() override {
    const net::TimePoint now = exchange_.loop().now();
    if (now >= until_) return end(Ended::TimedOut);
    arm_at(std::min(until_, now + kLook));
    if (reader_.is_check_due(now) || reader_.is_draining(route_)) end(Ended::Looks);
  }
  void on_event(net::Stream&) override {
    if (is_client_gone(exchange_)) end(Ended::ClientGone);
  }
  void end(Ended how) {
    if (how <= ended_) return;  // a call that comes too late for us
    ended_ = how;
    if (const auto waiting = std::exchange(coroutine_, {})) exchange_.loop().resume_later(waiting);
  }

  Exchange& exchange_;
  balancer::UpstreamReader& reader_;
  const std::string_view route_;
  const net::TimePoint until_;
  Ended ended_ = Ended::NotYet;
  std::coroutine_handle<> coroutine_;
  const std::shared_ptr<PatientExchange*> self_;  // what a call holds until it is on our thread
};

}  // namespace

Choice::Choice(Exchange& exchange, const UpstreamBlock& upstream) : exchange_(exchange), upstream_(upstream), key_(key_for(exchange, upstream)) {
  if (!upstream.sticky) return;
  session_ = first_of(upstream.sticky->lookup);
  wanted_ = session_;
  if (upstream.sticky->kind != Sticky::Kind::Learn || session_.empty()) return;
  const auto known = upstream.group->sessions().find(session_, exchange.loop().now(), upstream.sticky->limits);
  wanted_ = known ? exchange.keep(*known) : std::string_view();
}

balancer::PickRequest Choice::request() const {
  return {.now = exchange_.loop().now(),
          .key = key_,
          .random = exchange_.runtime().worker().random(),
          .route = wanted_};
}

std::string_view Choice::first_of(const std::vector<VariableTable::Index>& variables) const {
  for (const VariableTable::Index index : variables)
    if (const VariableValue value = exchange_.variables().get(index, exchange_); value.found && !value.text.empty())
      return value.text;
  return {};
}

void Choice::note(const balancer::Lease& lease) {
  if (!upstream_.sticky) return;
  route_ = exchange_.keep(lease.backend().route());
  if (upstream_.sticky->kind == Sticky::Kind::Cookie) exchange_.sticky_cookie = make_cookie();
}

std::string_view Choice::make_cookie() const {
  const Sticky& sticky = *upstream_.sticky;
  std::string text = sticky.name + "=" + std::string(route_);
  if (sticky.expires_never) {
    text += "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000";
  } else if (sticky.expires) {
    const std::time_t at = std::time(nullptr) + sticky.expires->count();
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    char date[64];
    std::strftime(date, sizeof date, "%a, %d-%b-%y %H:%M:%S GMT", &parts);
    text += fmt::format("; expires={}; max-age={}", date, sticky.expires->count());
  }
  const std::string_view domain = sticky.domain.evaluate(exchange_);
  if (!domain.empty()) text.append("; domain=").append(domain);
  if (sticky.httponly) text += "; httponly";
  if (sticky.secure) text += "; secure";
  std::string_view samesite = sticky.samesite.evaluate(exchange_);
  if (!samesite.empty() && !is_samesite(samesite)) samesite = "strict";  // as nginx, of a variable
  if (!samesite.empty()) text.append("; samesite=").append(samesite);
  if (!sticky.path.empty()) text.append("; path=").append(sticky.path);
  return exchange_.keep(text);
}

void Choice::learn(bool at_head) {
  if (!upstream_.sticky || upstream_.sticky->kind != Sticky::Kind::Learn) return;
  const Sticky& sticky = *upstream_.sticky;
  if (sticky.after_head != at_head || route_.empty()) return;
  const std::string_view created = first_of(sticky.create);
  const std::string_view name = created.empty() ? session_ : created;
  if (name.empty()) return;
  upstream_.group->sessions().learn(name, route_, exchange_.loop().now(), !created.empty(), sticky.limits);
}

net::Task<Result<balancer::Lease>> acquire_in_turn(Exchange& exchange, const UpstreamBlock& upstream,
                                                   balancer::UpstreamReader& reader, balancer::PickRequest request) {
  request.can_wait = true;
  balancer::Queue& queue = upstream.group->queue();
  if (!queue.is_contended() || reader.is_draining(request.route))
    if (std::optional<balancer::Lease> lease = reader.acquire(request)) co_return std::move(*lease);

  using Ended = PatientExchange::Ended;
  PatientExchange patient(exchange, reader, request.route, upstream.queue_timeout);
  if (!queue.join(patient, upstream.queue)) co_return Error{Reason::QueueFull};
  Ended how = Ended::NotYet;
  std::optional<balancer::Lease> lease;
  while (!lease) {
    how = co_await patient;
    if (how != Ended::Called && how != Ended::Looks) break;
    request.now = exchange.loop().now();
    lease = reader.acquire(request);
    // Who only looked still waits. If it was called since, that call is on its way and means another look.
    if (!lease && how == Ended::Called) queue.rejoin(patient);
  }
  queue.leave(patient, lease.has_value());
  if (lease) co_return std::move(*lease);
  if (how == Ended::TimedOut) co_return Error{Reason::QueueTimeout};
  exchange.client_gone = true;
  co_return Error{Reason::ClientClosed};
}

}  // namespace weir::http
