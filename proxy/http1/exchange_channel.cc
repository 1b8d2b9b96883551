#include "http1/exchange_channel.h"

#include <cerrno>

#include <fmt/format.h>

#include <algorithm>

#include "http/date.h"
#include "http/respond.h"
#include "http/status.h"
#include "http/reason_phrase.h"
#include "http1/client_connection.h"
#include "http1/head_writer.h"
#include "net/send.h"

namespace weir::http1 {

using http::BodyRead;
using http::BodyStatus;
using http::CoreConf;
using http::SendStatus;
using Kind = http::Framing::Kind;

namespace {

constexpr std::uint64_t kMostDiscarded = 256 * 1024;  // more is cheaper to refuse by closing

/// What is left of `limit` (0: there is none) that began at `from`; a moment at least.
std::chrono::milliseconds time_left(std::chrono::milliseconds limit, net::TimePoint from, net::TimePoint now) {
  using std::chrono::milliseconds;
  if (limit.count() == 0) return limit;
  return std::max(std::chrono::ceil<milliseconds>(from + limit - now), milliseconds(1));
}

}  // namespace

const http::ConnectionInfo& ExchangeChannel::connection() const { return connection_.info_; }
net::Stream& ExchangeChannel::stream() { return *connection_.stream_; }

// --- the request's body

void ExchangeChannel::start_body() {
  const http::RequestHead& request = exchange_->request;
  received_ = exchange_->head_octets;
  left_ = request.framing.kind == Kind::Length ? request.framing.length : 0;
  ended_ = request.framing.kind == Kind::None || (request.framing.kind == Kind::Length && left_ == 0);
  if (request.framing.kind == Kind::Chunked) {
    decoder_.emplace(&arena_);
    decoder_->start(Side::Client);
  }
  invited_ = !request.expect_continue;
}

net::Task<net::IoError> ExchangeChannel::invite_body() {
  if (invited_) co_return net::IoError{};
  invited_ = true;
  if (!connection_.input_.is_empty()) co_return net::IoError{};  // it did not wait
  co_return co_await net::send_all(stream(), "HTTP/1.1 100 Continue\r\n\r\n",
                                   *exchange_->conf<CoreConf>().send_timeout);
}

BodyRead ExchangeChannel::next() {
  if (ended_) return {BodyStatus::End};
  std::string_view octets = connection_.input_.unread();
  if (!decoder_) {
    if (octets.empty()) return {gone_ ? BodyStatus::Bad : BodyStatus::Empty};
    octets = octets.substr(0, std::min<std::uint64_t>(octets.size(), left_));
    connection_.input_.consume(octets.size());
    received_ += octets.size();
    left_ -= octets.size();
    ended_ = left_ == 0;
    return {BodyStatus::Data, octets};
  }
  const std::size_t before = octets.size();
  std::string_view data;
  const auto event = decoder_->next(octets, data);
  connection_.input_.consume(before - octets.size());
  received_ += before - octets.size();
  switch (event) {
    case ChunkedDecoder::Event::Data: return {BodyStatus::Data, data};
    case ChunkedDecoder::Event::NeedInput: return {gone_ ? BodyStatus::Bad : BodyStatus::Empty};
    case ChunkedDecoder::Event::End: ended_ = true; return {BodyStatus::End};
    case ChunkedDecoder::Event::Bad:
      connection_.closing_ = true;
      keep_alive_ = false;
      exchange_->body.fails_with(decoder_->error().status);
      exchange_->count_refusal(decoder_->error().kind());
      log::info(exchange_->runtime().error_log(), exchange_->subject(), "client sent {} in a chunked body",
                decoder_->error().text());
      return {BodyStatus::Bad};
  }
  return {BodyStatus::Bad};
}

net::IoError ExchangeChannel::fill() {
  const net::IoError error = connection_.input_.read(stream());
  if (!error || error.would_block()) return error;
  gone_ = true;
  return {};
}

net::Task<net::IoError> ExchangeChannel::wait() {
  begin_body_wait();
  const net::IoError waited = co_await stream().readable(*exchange_->conf<CoreConf>().client_body_timeout);
  const net::IoError pace = end_body_wait();
  co_return waited ? waited : pace;
}

void ExchangeChannel::begin_body_wait() {
  connection_.input_.release_if_empty();
  awaits_body_ = true;
  wait_began_ = stream().loop().now();
}

net::IoError ExchangeChannel::end_body_wait() {
  awaits_body_ = false;
  const CoreConf& core = exchange_->conf<CoreConf>();
  if (body_floor_.holds(wait_began_, stream().loop().now(), received_, core.client_body_min_rate->count(),
                        *core.client_body_rate_window))
    return {};
  log::info(exchange_->runtime().error_log(), exchange_->subject(),
            "client timed out: it sends the request's body too slowly (limit: client_body_min_rate{})",
            exchange_->settings_place());
  return {ETIMEDOUT};
}

std::int64_t ExchangeChannel::body_rate() const {
  const auto taken = std::chrono::duration_cast<std::chrono::seconds>(connection_.stream_->loop().now() - exchange_->started).count();
  return static_cast<std::int64_t>(received_) / std::max<std::int64_t>(taken, 1);
}

net::Task<bool> ExchangeChannel::discard_body() {
  if (!invited_ || left_ > kMostDiscarded) co_return false;
  const std::uint64_t limit = received_ + kMostDiscarded;
  const CoreConf& core = exchange_->conf<CoreConf>();
  const net::TimePoint deadline = stream().loop().now() + *core.lingering_time;
  for (;;) {
    const BodyRead read = next();
    if (read.status == BodyStatus::End) co_return true;
    if (read.status == BodyStatus::Bad || received_ > limit) co_return false;
    if (read.status == BodyStatus::Data) continue;
    const net::IoError error = fill();
    if (!error) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - stream().loop().now());
    if (left <= std::chrono::milliseconds(0)) co_return false;
    awaits_body_ = true;
    const net::IoError waited = co_await stream().readable(std::min(left, *core.lingering_timeout));
    awaits_body_ = false;
    if (waited) co_return false;
  }
}

// --- the response

ExchangeChannel::Form ExchangeChannel::choose_form(const http::Response& response) {
  const int status = response.status;
  if (status == 204 || status == 304 || (status >= 100 && status < 200)) return Form::None;
  const bool to_head = exchange_->request.method == http::Method::Head;
  const bool can_chunk = exchange_->request.version != http::Version::Http10 &&
                         *exchange_->conf<CoreConf>().chunked_transfer_encoding;
  if (response.has_trailers && can_chunk && !to_head) return Form::Chunked;
  if (response.content_length || (response.body == nullptr && !to_head)) return Form::Length;
  if (to_head) return Form::None;  // what a GET would say about the length is not known
  return can_chunk ? Form::Chunked : Form::UntilClose;
}

bool ExchangeChannel::decide_keep_alive(Form form) const {
  const CoreConf& core = exchange_->conf<CoreConf>();
  const http::ConnectionInfo& info = connection_.info_;
  return exchange_->request.keep_alive && form != Form::UntilClose && !connection_.closing_ &&
         !connection_.host_.draining && invited_ && core.keepalive_timeout->count() > 0 &&
         info.requests < *core.keepalive_requests && exchange_->loop().now() - info.since < *core.keepalive_time;
}

/// Whether the client said that this request is its last, and nothing else of it is under way: so its connection is closed
/// as soon as the response is sent.
bool ExchangeChannel::ends_connection() const {
  const http::RequestHead& request = exchange_->request;
  return !request.keep_alive && request.framing.kind == Kind::None && connection_.input_.is_empty() &&
         !connection_.stream_->input_pending() && exchange_->response.status != 101;
}

void ExchangeChannel::begin_response(const http::Response& response) {
  const CoreConf& core = exchange_->conf<CoreConf>();
  form_ = choose_form(response);
  keep_alive_ = decide_keep_alive(form_);

  std::size_t space = 512 + response.reason.size() + response.content_type.size() + response.server.size() +
                      response.location.size() + response.last_modified.size();
  for (const http::Field& field : response.fields) space += field.name.size() + field.value.size() + 4;
  HeadWriter out({static_cast<char*>(arena_.allocate(space, 1)), space});

  out.status_line(http::Version::Http11, response.status,
                  response.reason.empty() ? http::reason_phrase(response.status) : response.reason);
  out.own("Server", !response.server.empty() ? response.server
                    : *core.server_tokens == http::ServerTokens::Off ? std::string_view("weir")
                                                                     : http::kServerToken);
  out.own("Date", response.date.empty() ? http::http_date_now() : response.date);
  if (!response.content_type.empty()) out.own("Content-Type", response.content_type);
  if (form_ == Form::Length) out.own("Content-Length", response.content_length.value_or(0));
  if (!response.last_modified.empty()) out.own("Last-Modified", response.last_modified);
  if (!response.location.empty()) out.own("Location", response.location);
  if (form_ == Form::Chunked) out.raw("Transfer-Encoding: chunked\r\n");
  if (response.status == 101)
    out.raw("Connection: upgrade\r\n");
  else
    out.raw(keep_alive_ ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
  if (keep_alive_ && core.keepalive_header->count() > 0) {
    char text[32];
    const auto end = fmt::format_to(text, "timeout={}", core.keepalive_header->count() / 1000);
    out.own("Keep-Alive", {text, static_cast<std::size_t>(end - text)});
  }
  out.fields(response.fields.all()).end();
  if (exchange_->request.method == http::Method::Head) form_ = Form::None;
  writer_.start(out.text(), form_ == Form::Chunked, arena_);
}

void ExchangeChannel::set_trailers(const http::Fields& trailers) {
  if (form_ != Form::Chunked || trailers.empty()) return;
  std::size_t space = 16;
  for (const http::Field& field : trailers) space += field.name.size() + field.value.size() + 4;
  HeadWriter out({static_cast<char*>(arena_.allocate(space, 1)), space});
  out.raw("0\r\n").fields(trailers.all()).end();
  writer_.set_last_chunk(out.text());
}

SendStatus ExchangeChannel::try_send(std::span<const std::string_view> pieces, bool last) {
  if (last && ends_connection()) stream().send_with_end();
  const SendStatus status = writer_.send(stream(), pieces, last);
  if (status == SendStatus::Failed) broken_ = true;
  return status;
}

bool ExchangeChannel::takes_raw() { return form_ == Form::Length && writer_.is_done() && stream().is_plain(); }

net::Task<net::IoError> ExchangeChannel::drain(http::BodySource* source) {
  const CoreConf& core = exchange_->conf<CoreConf>();
  net::TimePoint from = stream().loop().now();
  for (;;) {
    net::IoError waited;
    if (net::Stream* const ahead = source ? source->ahead() : nullptr) {
      // What the backend sends meanwhile does not give the client more time.
      const auto left = time_left(*core.send_timeout, from, stream().loop().now());
      const net::Either ready = co_await net::wait_either(*ahead, stream(), std::chrono::milliseconds(0), left);
      if (ready.first) source->read_ahead();
      if (!ready.second) continue;
      if (!ready.first) waited = ready.error;
    } else {
      waited = co_await stream().writable(time_left(*core.send_timeout, from, stream().loop().now()));
    }
    if (!waited && !send_floor_.holds(from, stream().loop().now(), octets_sent(), core.send_min_rate->count(),
                                      *core.send_rate_window)) {
      log::info(exchange_->runtime().error_log(), exchange_->subject(),
                "client reads the response too slowly (limit: send_min_rate{})", exchange_->settings_place());
      waited = {ETIMEDOUT};
    }
    if (waited) {
      // Octets of this response are still in the kernel; a timed-out client should not hold them.
      broken_ = true;
      if (waited.timed_out()) stream().abort();
      co_return waited;
    }
    switch (writer_.push(stream())) {
      case SendStatus::Sent: co_return net::IoError{};
      case SendStatus::Blocked: break;
      case SendStatus::Failed: {
        broken_ = true;
        const net::IoError error = stream().take_error();
        co_return error ? error : net::IoError{EPIPE};
      }
    }
    from = stream().loop().now();
  }
}

net::Task<net::IoError> ExchangeChannel::send_interim(int status, const http::Fields& fields) {
  if (exchange_->request.version == http::Version::Http10) co_return net::IoError{};
  std::size_t space = 128;
  for (const http::Field& field : fields) space += field.name.size() + field.value.size() + 4;
  HeadWriter out({static_cast<char*>(arena_.allocate(space, 1)), space});
  out.status_line(http::Version::Http11, status, http::reason_phrase(status));
  out.fields(fields.all()).end();
  const std::string_view text = out.text();
  interim_octets_ += text.size();
  co_return co_await net::send_all(stream(), text, *exchange_->conf<CoreConf>().send_timeout);
}

void ExchangeChannel::break_off() {
  keep_alive_ = false;
  broken_ = true;
  // The end of the connection would look like the end of the body: only a reset tells the difference. A missing last
  // chunk or a length that was not reached speak for themselves.
  if (exchange_->response.head_sent && form_ == Form::UntilClose) stream().abort();
}

std::string_view ExchangeChannel::early_octets() const { return connection_.input_.unread(); }

void ExchangeChannel::close_after_response() { connection_.closing_ = true; }

}  // namespace weir::http1
