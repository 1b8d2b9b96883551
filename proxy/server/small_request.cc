#include "server/small_request.h"

#include <fmt/format.h>

#include "http/body.h"
#include "http1/backend_connection.h"

namespace weir::server {

namespace {

constexpr std::size_t kMostHead = 32 * 1024;
constexpr unsigned kMostInterims = 16;

std::string failure(const http::Error& error) {
  const http::ReasonInfo& what = http::info(error.reason);
  if (!error.detail.empty()) return fmt::format("{}: {}", what.what, error.detail);
  if (error.cause && !error.cause.is_eof()) return server::failure(what.what, error.cause);
  return std::string(what.what);
}

}  // namespace

std::string failure(std::string_view what, const net::IoError& error) {
  return error.timed_out() ? fmt::format("{}: timed out", what) : fmt::format("{} ({})", what, error.message());
}

SmallRequest::SmallRequest(net::Loop& loop, std::unique_ptr<net::Stream> stream, const TimeLeft& left)
    : left_(left), memory_(loop.buffers()), channel_(http1::BackendConnection::make(std::move(stream))), head_(&memory_) {}

net::Task<std::string> SmallRequest::ask(std::string_view target, std::string_view host, std::string_view user_agent) {
  channel_->begin({.method = http::Method::Get, .head_limit = kMostHead, .read_timeout = left_.get(), .read_limit = 0,
                   .memory = &memory_});
  http::OutgoingRequest request(&memory_);
  request.method = "GET";
  request.method_id = http::Method::Get;
  request.target = target;
  request.fields.add("Host", host);
  request.fields.add("User-Agent", user_agent);
  request.fields.add("Connection", "close");
  channel_->begin_request(request);
  std::string wrong = co_await send();
  if (wrong.empty()) wrong = co_await read_head();
  co_return wrong;
}

net::Task<std::string> SmallRequest::send() {
  http::SendStatus sent = channel_->try_send({}, true);
  while (sent == http::SendStatus::Blocked) {
    if (const net::IoError waited = co_await channel_->stream().writable(left_.get()))
      co_return server::failure("send() failed", waited);
    sent = channel_->push();
  }
  co_return sent == http::SendStatus::Failed ? server::failure("send() failed", channel_->send_error()) : std::string();
}

net::Task<std::string> SmallRequest::read_head() {
  for (unsigned interims = 0;;) {
    if (auto read = channel_->try_read_head(head_)) {
      if (!*read) co_return failure(read->error());
      if (!head_.is_interim()) co_return std::string();
      if (++interims > kMostInterims) co_return std::string("too many interim responses");
      head_.reset();
      continue;
    }
    if (left_.is_over()) co_return std::string("no answer in time");
    channel_->limit_waits(left_.get());
    co_await channel_->wait();  // how it ended shows in the next attempt
  }
}

net::Task<std::string> SmallRequest::read_body(std::string& body, std::size_t most) {
  for (;;) {
    const http::BodyRead read = channel_->next();
    if (read.status == http::BodyStatus::End) co_return std::string();
    if (read.status == http::BodyStatus::Bad) co_return std::string("the answer was cut");
    if (read.status == http::BodyStatus::Data) {
      body.append(read.data.substr(0, most - body.size()));
      if (body.size() == most) co_return std::string();
      continue;
    }
    const net::IoError filled = channel_->fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return server::failure("recv() failed", filled);
    if (left_.is_over()) co_return std::string("the answer did not end in time");
    channel_->limit_waits(left_.get());
    co_await channel_->wait();
  }
}

}  // namespace weir::server
