// One GET of the control plane: a health check, a question to an OCSP responder. Everything of it is bounded.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "http/backend_channel.h"
#include "http/message.h"
#include "net/arena.h"
#include "net/loop.h"
#include "net/task.h"

namespace weir::server {

/// What is left of the time that something may take.
class TimeLeft {
 public:
  TimeLeft(net::Loop& loop, std::chrono::milliseconds limit) : loop_(loop), end_(loop.now() + limit) {}
  /// The same, if that is less than `most`.
  TimeLeft(const TimeLeft& whole, std::chrono::milliseconds most)
      : loop_(whole.loop_), end_(std::min(whole.end_, whole.loop_.now() + most)) {}
  bool is_over() const { return loop_.now() >= end_; }
  /// At least a millisecond: a limit of none would be no limit.
  std::chrono::milliseconds get() const {
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(end_ - loop_.now()), std::chrono::milliseconds(1));
  }

 private:
  net::Loop& loop_;
  const net::TimePoint end_;
};

/// `what: timed out`, or `what (why)`.
std::string failure(std::string_view what, const net::IoError& error);

/// The request and what is read of its answer. Ends with its connection.
class SmallRequest {
 public:
  SmallRequest(net::Loop& loop, std::unique_ptr<net::Stream> stream, const TimeLeft& left);
  ~SmallRequest() { channel_->end(); }

  /// Sends `GET target`, and reads the head of the answer. Returns what went wrong; empty: nothing.
  net::Task<std::string> ask(std::string_view target, std::string_view host, std::string_view user_agent);
  /// Appends the answer's body to `body`, up to `most` octets in it.
  net::Task<std::string> read_body(std::string& body, std::size_t most);

  const http::ResponseHead& head() const { return head_; }
  net::Arena& memory() { return memory_; }
  const http::BackendChannel& channel() const { return *channel_; }
  net::Stream& stream() { return channel_->stream(); }

 private:
  net::Task<std::string> send();
  net::Task<std::string> read_head();

  const TimeLeft& left_;
  net::Arena memory_;
  const std::unique_ptr<http::BackendChannel> channel_;
  http::ResponseHead head_;
};

}  // namespace weir::server
