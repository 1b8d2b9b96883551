#include "http/choice.h"
#include "http/forward.h"

#include <algorithm>
#include "http/ambiguous_target.h"
#include "http/max_forwards.h"
#include "shared/panic.h"

namespace weir::http {

namespace {

// How long a request waits for its turn to be tried again, and how often it looks.
constexpr std::chrono::seconds kBudgetPatience{2};
constexpr std::chrono::milliseconds kBudgetLook{10};

/// Keeps account of an exchange's attempts: whom it tried, and whether it may try another.
class Tries {
 public:
  /// `method`: what the backends see.
  Tries(Exchange& exchange, const ProxyConf& conf, const Destination& destination, Choice& choice, Method method)
      : exchange_(exchange),
        conf_(conf),
        upstream_(*destination.upstream),
        reader_(*destination.reader),
        choice_(choice),
        began_(exchange.loop().now()),
        idempotent_(http::is_idempotent(method)) {}

  bool is_idempotent() const { return idempotent_; }

  balancer::PickRequest next_pick() const {
    balancer::PickRequest request = choice_.request();
    request.tried = &tried_;
    return request;
  }

  /// Takes a place in the upstream's retry budget, unless this request has one. False: there is none at present.
  bool enter_budget() {
    const RetryLimit& limit = *upstream_.settings.get<UpstreamConf>().retry_limit;
    if (limit.off || token_) return true;
    token_ = upstream_.retries.take(limit.of(reader_.active()));
    return static_cast<bool>(token_);
  }

  /// The same, but waits for a place: a failure that hit many requests at once makes them take turns, it does not lose
  /// them. False: there was none for so long that there is an outage.
  net::Task<bool> await_budget() {
    net::TimePoint until = exchange_.loop().now() + kBudgetPatience;
    if (const auto limit = *conf_.next_upstream_timeout; limit.count() != 0) until = std::min(until, began_ + limit);
    while (!enter_budget()) {
      if (exchange_.loop().now() >= until || exchange_.client().stream().peer_closed()) co_return false;
      co_await net::sleep(exchange_.loop(), kBudgetLook);
    }
    co_return true;
  }
  /// The retry did its work.
  void leave_budget() { token_ = {}; }

  void note(const balancer::Lease& lease) {
    tried_.add(lease.backend()), choice_.note(lease), ++count_;
    shared::note_panic(reader_, lease, exchange_.error_log());
  }
  /// The last attempt does not count.
  void forgive() { --count_; }

  /// Whether proxy_next_upstream lets a request that failed with `condition` go to another backend.
  bool allows(std::uint32_t condition, const Attempt& attempt) const {
    const std::uint32_t allowed = *conf_.next_upstream;
    if ((allowed & condition) == 0 || (allowed & condition::kOff) != 0) return false;
    if (!idempotent_ && (allowed & condition::kNonIdempotent) == 0 && !attempt.surely_unread()) return false;
    if (*conf_.next_upstream_tries != 0 && count_ >= *conf_.next_upstream_tries) return false;
    const auto limit = *conf_.next_upstream_timeout;
    return limit.count() == 0 || exchange_.loop().now() - began_ < limit;
  }

 private:
  Exchange& exchange_;
  const ProxyConf& conf_;
  const UpstreamBlock& upstream_;
  balancer::UpstreamReader& reader_;
  Choice& choice_;
  const net::TimePoint began_;
  RetryBudget::Token token_;
  balancer::Tried tried_;
  std::uint64_t count_ = 0;
  const bool idempotent_;
};

/// The body that goes to the backend: from memory or a file (then it can be sent again), or streamed.
struct Upload {
  enum class Kind : std::uint8_t { None, Kept, Streamed, Configured };
  Kind kind = Kind::None;
  Framing framing;
  std::string_view text;  // of proxy_set_body
};

net::Task<Result<Upload>> prepare_body(Exchange& exchange, const ProxyConf& conf) {
  Upload upload;
  const Framing& from_client = exchange.request.framing;
  const bool has_body = !exchange.body_discarded && from_client.kind != Framing::Kind::None;
  const bool must_know_length = from_client.kind == Framing::Kind::Chunked && *conf.http_version == Version::Http10;
  const bool passes = *conf.pass_request_body && !*conf.set_body;
  if (has_body && (*conf.request_buffering || must_know_length || exchange.body.is_whole())) {
    // Also when it is not passed on: $request_body may be what is.
    if (auto read = co_await exchange.body.read_whole(); !read) co_return read.error();
    if (passes) {
      upload.kind = Upload::Kind::Kept;
      upload.framing = {Framing::Kind::Length, exchange.body.octets()};
    }
  } else if (has_body && passes) {
    if (const net::IoError error = co_await exchange.client().invite_body())
      co_return Error{Reason::RequestBodyFailed, error};
    upload.kind = Upload::Kind::Streamed;
    upload.framing = from_client;
  }
  if (*conf.set_body) {
    upload.kind = Upload::Kind::Configured;
    upload.text = (*conf.set_body)->evaluate(exchange);
    upload.framing = {Framing::Kind::Length, upload.text.size()};
  }
  co_return upload;
}

BodySource* source_of(Exchange& exchange, const Upload& upload) {
  switch (upload.kind) {
    case Upload::Kind::None: return nullptr;
    case Upload::Kind::Kept: return &exchange.body.replay();
    case Upload::Kind::Streamed: return &exchange.body.live();
    case Upload::Kind::Configured: return exchange.make<MemoryBody>(upload.text);
  }
  return nullptr;
}

PhaseResult answer_for(Exchange& exchange, const Error& error) {
  if (error.reason == Reason::ClientClosed) return PhaseResult::respond(kClientClosed);
  if (error.reason == Reason::RequestBodyFailed) {
    exchange.client().close_after_response();
    return PhaseResult::respond(exchange.body.status());
  }
  if (error.reason == Reason::QueueFull || error.reason == Reason::QueueTimeout) exchange.retry_after = "1";
  return PhaseResult::respond(info(error.reason).status);
}

}  // namespace

void log_failure(Exchange& exchange, const Error& error) {
  const ReasonInfo& what = info(error.reason);
  const log::ErrorLog& log = exchange.runtime().error_log();
  const log::Level level = error.reason == Reason::ClientClosed || error.reason == Reason::RequestBodyFailed
                               ? log::Level::Info
                               : log::Level::Error;
  if (error.reason == Reason::ConnectFailed && !error.detail.empty())  // connected, but not to whom it should be
    log::write(log, level, exchange.subject(), "{} while SSL handshaking to upstream", error.detail);
  else if (!error.detail.empty())
    log::write(log, level, exchange.subject(), "{}: {}, while {}", what.what, error.detail, what.doing);
  else if (error.cause && !error.cause.is_eof() && !error.cause.canceled())
    log::write(log, level, exchange.subject(), "{} ({}) while {}", what.what, error.cause.message(), what.doing);
  else
    log::write(log, level, exchange.subject(), "{} while {}", what.what, what.doing);
}

namespace {

/// The attempt failed in a way that counts against its backend.
void note_failure(Attempt& attempt, const UpstreamBlock& upstream, net::TimePoint now) {
  attempt.lease().failed(now);
  if (upstream.monitor) upstream.monitor->suspect(attempt.lease().backend());
}

/// The backend has been silent for so long that another one is to be asked, if there is one that works. Returns its
/// lease, or nothing after the backend went on by itself; `outcome` then says how.
net::Task<std::optional<balancer::Lease>> leave(Attempt& attempt, Tries& tries, balancer::UpstreamReader& upstream,
                                                Result<>& outcome) {
  constexpr std::chrono::milliseconds kPause{25};
  while (!outcome && outcome.error().reason == Reason::Hangs) {
    if (tries.enter_budget()) {
      balancer::PickRequest pick = tries.next_pick();
      pick.only_available = true;
      if (auto lease = upstream.acquire(pick)) co_return lease;
    }
    outcome = co_await attempt.wait_on(kPause);
  }
  co_return std::nullopt;
}

/// Whether backends could read the target in more than one way, and are not to see it then.
bool is_refused(Exchange& exchange, const ProxyConf& conf) {
  if (!*conf.refuse_ambiguous_target || exchange.in_error_page) return false;
  const std::string_view why = judge_target(exchange);
  if (why.empty()) return false;
  exchange.count_refusal(Refusal::Target);
  log::info(exchange.runtime().error_log(), exchange.subject(),
            "client sent {}: refused with 400 (proxy_ambiguous_target refuse)", why);
  return true;
}

net::Task<PhaseResult> forward_upload(Exchange& exchange, Upload upload) {
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  auto destination = fixed_destination(exchange);
  if (!destination) {
    Result<Destination> found = co_await find_destination(exchange);
    if (!found) co_return answer_for(exchange, found.error());
    destination = std::move(*found);
  }
  OutgoingRequest outgoing(&exchange.arena());
  outgoing.target = destination->target;
  outgoing.framing = upload.framing;
  compose_request(exchange, outgoing);
  if (const auto ended = count_forward(exchange, outgoing)) co_return *ended;
  // RFC 9110 15.2.2: nobody may switch to a protocol that the client did not ask for.
  const bool asks_upgrade = exchange.request.wants_upgrade && outgoing.fields.contains(FieldId::Upgrade);

  const std::string_view scheme = destination->encrypted ? "https://" : "http://";
  balancer::UpstreamReader& upstream = *destination->reader;
  Choice choice(exchange, *destination->upstream);
  Tries tries(exchange, conf, *destination, choice, outgoing.method_id);
  Error last{Reason::NoBackend};
  std::optional<balancer::Lease> lease;
  if (destination->upstream->queue == 0) {
    lease = upstream.acquire(tries.next_pick());
  } else {
    auto turn = co_await acquire_in_turn(exchange, *destination->upstream, upstream, tries.next_pick());
    if (turn)
      lease = std::move(*turn);
    else
      last = turn.error();
  }
  bool fresh = false, has_left = false;
  while (lease) {
    tries.note(*lease);
    Attempt attempt(exchange, *destination->upstream, std::move(*lease), destination->encrypted);
    lease.reset();
    exchange.upstream_for_log = {scheme, attempt.record().address, destination->target};
    // Once: what is slow everywhere would otherwise be run everywhere.
    const bool can_leave = !has_left && tries.is_idempotent() && upload.kind != Upload::Kind::Streamed &&
                           tries.allows(condition::kTimeout, attempt);
    Result<> outcome = co_await attempt.run(outgoing, source_of(exchange, upload), {fresh, can_leave});
    fresh = false;
    if (!outcome && outcome.error().reason == Reason::Hangs) {
      if (auto other = co_await leave(attempt, tries, upstream, outcome)) {
        has_left = true;
        attempt.record().status = info(Reason::Hangs).status;
        log_failure(exchange, outcome.error());
        lease = std::move(other);
        continue;
      }
    }
    if (outcome && attempt.head().status == 101) {
      // Nor as long as the request is not whole: what is left of it would go on as it comes, in the client's framing.
      if (!asks_upgrade) outcome = Error{Reason::UnwantedUpgrade};
      else if (!attempt.request_left_whole()) outcome = Error{Reason::UnwantedUpgrade, {}, "the request was not whole"};
    }
    if (outcome && tries.is_idempotent() && is_buffered(conf, attempt.head())) outcome = co_await attempt.read_ahead();
    const bool can_repeat = upload.kind != Upload::Kind::Streamed || exchange.body.can_restart();

    if (outcome) {
      const std::uint32_t condition = condition::of_status(attempt.head().status);
      if (condition != 0 && can_repeat && tries.allows(condition, attempt) && tries.enter_budget()) {
        // Only when somebody else can be asked; the last backend's own answer is passed on.
        lease = upstream.acquire(tries.next_pick());
        if (lease) {
          if (condition::is_failure(condition)) note_failure(attempt, *destination->upstream, exchange.loop().now());
          log_failure(exchange, {Reason::UnwantedStatus});
          continue;
        }
      }
      attempt.note_answer(condition::is_error(attempt.head().status));
      tries.leave_budget();
      choice.head_came();
      const PhaseResult delivered = co_await deliver(exchange, attempt);
      choice.ended();
      co_return delivered;
    }

    last = outcome.error();
    const ReasonInfo& what = info(last.reason);
    if (attempt.record().status == 0 && last.reason != Reason::ClientClosed)
      attempt.record().status = what.status;  // as nginx lists it
    const bool is_unread = attempt.surely_unread();
    if (what.retry == Retry::IfReused && attempt.was_reused() && can_repeat && attempt.head().status == 0 &&
        (tries.is_idempotent() || is_unread)) {
      // The backend may have closed this kept-alive connection while it was idle, so a first failure proves nothing
      // about the backend; a fresh connection decides.
      attempt.forget_idle();
      lease = attempt.take_lease();
      fresh = true;
      tries.forgive();
      continue;
    }
    log_failure(exchange, last);
    if (what.backend_failed) note_failure(attempt, *destination->upstream, exchange.loop().now());
    if (what.condition == 0 || !can_repeat || !tries.allows(what.condition, attempt)) break;
    attempt.release();  // it is over, and must not count as load while this waits
    if (!is_unread && !co_await tries.await_budget()) break;
    lease = upstream.acquire(tries.next_pick());
    if (lease) exchange.response.clear();
  }
  if (info(last.reason).doing == info(Reason::NoBackend).doing && exchange.attempts.empty()) {
    AttemptRecord& none = exchange.attempts.emplace_back();  // as nginx lists it
    none.address = exchange.keep(destination->upstream->name);
    exchange.upstream_for_log = {scheme, none.address, destination->target};
    none.status = info(last.reason).status;
    log_failure(exchange, last);
  }
  co_return answer_for(exchange, last);
}

/// A client may take long to send its body, so there is no more than this while it does.
net::Task<PhaseResult> forward_with_body(Exchange& exchange) {
  Result<Upload> upload = co_await prepare_body(exchange, exchange.conf<ProxyConf>());
  if (upload) co_return co_await forward_upload(exchange, *upload);
  log_failure(exchange, upload.error());
  co_return answer_for(exchange, upload.error());
}

net::Task<PhaseResult> refuse_target() { co_return PhaseResult::respond(400); }

}  // namespace

net::Task<PhaseResult> forward(Exchange& exchange) {
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  if (is_refused(exchange, conf)) return refuse_target();
  if (exchange.request.framing.kind == Framing::Kind::None && !*conf.set_body)
    return forward_upload(exchange, Upload());
  return forward_with_body(exchange);
}

}  // namespace weir::http
