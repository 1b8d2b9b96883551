// How an attempt hears of its backend: interim responses, the head, the beginning of the body, or a silence that is a hang.
#include <algorithm>
#include <cstring>

#include "http/attempt.h"
#include "net/wait.h"

namespace weir::http {

namespace {

// So many requests that wait in vain at one backend are a pile; fewer may just be slow ones.
constexpr std::uint32_t kPile = 3;
constexpr std::chrono::milliseconds kLookAgain{25};  // of one that waits in vain

// How long an answer of unknown length is held back for the rest of it, and how much of it at most.
constexpr std::chrono::milliseconds kHold{100};
constexpr std::uint64_t kMostHeld = 16 * 1024;

}  // namespace

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
              backend.active(), record().address, std::chrono::duration_cast<std::chrono::milliseconds>(now - sent_).count());
  if (upstream_.monitor) upstream_.monitor->suspect(backend);
  return true;
}

// The whole head must come within proxy_read_timeout: a backend that sends it octet by octet is as good as dead.
net::Task<Result<>> Attempt::read_head() {
  for (;;) {
    Result<> step;
    if (auto read = channel_->try_read_head(*head_)) {
      if (!*read) co_return *read;
      if (!head_->is_interim()) {
        note_head();
        co_return *read;
      }
      hear();
      step = co_await pass_on_interim();
    } else {
      const net::TimePoint now = exchange_.loop().now();
      if (now >= head_deadline_) co_return Error{Reason::ReadTimeout, {ETIMEDOUT}};
      if (!heard_ && now >= look_at_ && is_left_alone(now) && can_leave_) co_return Error{Reason::Hangs};
      const net::TimePoint until = heard_ ? head_deadline_ : std::min(head_deadline_, look_at_);
      if (!watch_client()) co_return client_closed();
      // Not the channel's `wait`: each request comes by here, and a coroutine less is a gain.
      const auto patience = std::chrono::ceil<std::chrono::milliseconds>(until - now);
      step = end_wait(co_await channel_->stream().readable(patience));
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
