// How an attempt's request leaves, and what may come in between: the client pauses, the backend answers early.
#include "http/attempt.h"
#include "http/core_conf.h"

namespace weir::http {

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

}  // namespace weir::http
