#include <algorithm>

#include "http/core_conf.h"
#include "http/pace.h"
#include "http/patience.h"
#include "http/respond.h"
#include "http/status.h"
#include "net/pipe.h"

namespace weir::http {

namespace {

/// Why the response's body did not reach its end.
enum class Cut { No, SourceFailed, ClientGone };

void log_send_failure(Exchange& exchange, net::IoError error) {
  exchange.client_gone = true;
  if (error.timed_out())
    log::info(exchange.runtime().error_log(), exchange.subject(),
              "client timed out ({}) while sending to client: it read nothing for send_timeout", error.message());
  else
    log::info(exchange.runtime().error_log(), exchange.subject(), "client closed connection ({}) while sending to client",
              error.message());
}

/// Waits until `octets` of the body, which did not fit at once, left too.
net::Task<bool> finish_sending(Exchange& exchange, std::uint64_t octets, BodySource* source) {
  if (const net::IoError error = co_await exchange.client().drain(source)) {
    log_send_failure(exchange, error);
    co_return false;
  }
  exchange.response.body_octets_sent += octets;
  co_return true;
}

/// Sends what `pieces` holds and waits until it left. Returns false if the client is gone.
net::MaybeTask<bool> send_pieces(Exchange& exchange, const BodyPieces& pieces, bool last, BodySource* source) {
  ClientChannel& client = exchange.client();
  switch (client.try_send(pieces.all(), last)) {
    case SendStatus::Sent: exchange.response.body_octets_sent += pieces.octets(); return true;
    case SendStatus::Blocked: return finish_sending(exchange, pieces.octets(), source);
    case SendStatus::Failed: break;
  }
  log_send_failure(exchange, client.stream().take_error());
  return false;
}

/// As `send_pieces`, no faster than `pace` allows.
net::Task<bool> send_paced(Exchange& exchange, const BodyPieces& pieces, bool last, BodySource* source, Pace& pace) {
  for (std::string_view piece : pieces.all()) {
    while (!piece.empty()) {
      const std::uint64_t allowed = pace.allowance(exchange.response.body_octets_sent, exchange.loop().now());
      if (allowed == 0) {
        const bool waited = co_await patient_sleep(exchange, pace.delay());
        if (waited) continue;
        log_send_failure(exchange, {net::IoError::kEof});
        co_return false;
      }
      BodyPieces some;
      some.add(piece.substr(0, allowed));
      piece.remove_prefix(some.all()[0].size());
      if (!co_await send_pieces(exchange, some, false, source)) co_return false;
    }
  }
  if (last || pieces.is_empty()) co_return co_await send_pieces(exchange, BodyPieces(), last, source);
  co_return true;
}

/// The body was read: collects what follows it.
void finish_trailers(Exchange& exchange) {
  Response& response = exchange.response;
  for (const HeaderFilter& filter : exchange.location->chain.header_filters())
    if (filter.trailers) filter.trailers(exchange, response);
  exchange.client().set_trailers(response.trailers);
}

constexpr std::uint64_t kWorthSplicing = 64 * 1024;  // octets; for less, copying costs less (bench/README.md)
constexpr std::size_t kSpliceStep = 1 << 20;
constexpr unsigned kStepsATurn = 8;  // then others have their turn

/// Whether the kernel may move the next octets of the body, and enough of them to be worth it.
bool can_splice(Exchange& exchange, BodySource& source) {
  const BodySource::Raw raw = source.raw();
  return raw.stream && raw.octets >= kWorthSplicing && exchange.client().takes_raw();
}

/// The client takes no more for now. Returns ClientGone, or No when there may be room, or when `ahead` has more.
net::Task<Cut> wait_for_room(Exchange& exchange, net::Stream* ahead, bool& more) {
  net::Stream& client = exchange.client().stream();
  const auto limit = *exchange.conf<CoreConf>().send_timeout;
  more = false;
  net::IoError error;
  if (ahead) {
    const net::Either ready = co_await net::wait_either(*ahead, client, std::chrono::milliseconds(0), limit);
    more = ready.first;
    if (ready.second) error = ready.error;
  } else {
    error = co_await client.writable(limit);
  }
  if (!error) co_return Cut::No;
  if (error.timed_out()) client.abort();  // octets in the kernel would hold memory for somebody who does not read
  log_send_failure(exchange, error);
  co_return Cut::ClientGone;
}

/// The body did not reach its end, which the client is to see.
bool cut_off(Exchange& exchange) {
  exchange.response.is_cut = true;
  exchange.client().break_off();
  return false;
}

/// Moves octets of the body from the source's socket to the client's through `pipe`, until there are no more of that
/// kind, or the client is so slow that the source should read ahead by copying. No: go on in the usual way.
net::Task<Cut> splice_body(Exchange& exchange, BodySource& source, net::Pipe pipe) {
  bool filling = true;
  for (unsigned steps = 1;; ++steps) {
    std::size_t got = 0;
    if (const BodySource::Raw raw = filling ? source.raw() : BodySource::Raw(); raw.stream) {
      const net::IoResult filled = pipe.fill(*raw.stream, std::min<std::uint64_t>(raw.octets, kSpliceStep));
      got = filled.bytes;
      source.raw_moved(got);
      // An end or a failure is found again, and judged, in the usual way. A pipe that is full stays so for a while.
      if (filled.error && !(filled.error.would_block() && pipe.is_empty())) filling = false;
    } else {
      filling = false;
    }
    const net::IoResult sent = pipe.drain(exchange.client().stream());
    exchange.client().raw_sent(sent.bytes);
    exchange.response.body_octets_sent += sent.bytes;
    if (sent.error && !sent.error.would_block()) {
      log_send_failure(exchange, sent.error);
      co_return Cut::ClientGone;
    }
    if (!pipe.is_empty()) {
      bool more = false;
      if (co_await wait_for_room(exchange, source.ahead(), more) != Cut::No) co_return Cut::ClientGone;
      if (more && !filling) source.read_ahead();
    } else if (!filling) {
      co_return Cut::No;
    } else if (got == 0) {
      if (co_await source.wait()) co_return Cut::SourceFailed;
    } else if (steps % kStepsATurn == 0) {
      co_await exchange.loop().yield();
    }
  }
}

/// Reads, then sends, then reads again: one buffer, and a slow reader slows the writer by itself. `pieces` and `status`:
/// what was collected of the body already. Returns false if the client did not get all of it.
net::Task<bool> send_body(Exchange& exchange, BodySource& source, BodyPieces pieces, BodyStatus status, Pace pace) {
  bool head_pending = true;
  for (;; pieces.clear(), status = collect(source, pieces)) {
    const bool last = status == BodyStatus::End;
    if (!pieces.is_empty() || last) {
      if (last && exchange.response.has_trailers) finish_trailers(exchange);
      const bool sent = pace.is_limited() ? co_await send_paced(exchange, pieces, last, &source, pace)
                                          : co_await send_pieces(exchange, pieces, last, &source);
      if (!sent || last) co_return sent;
      head_pending = false;
    }
    if (status == BodyStatus::Bad) co_return cut_off(exchange);
    if (status == BodyStatus::Data) continue;
    if (!head_pending && !pace.is_limited() && can_splice(exchange, source)) {
      if (auto pipe = exchange.loop().pipes().take()) {
        const Cut cut = co_await splice_body(exchange, source, std::move(*pipe));
        if (cut == Cut::SourceFailed) co_return cut_off(exchange);
        if (cut == Cut::ClientGone) co_return false;
      }
    }

    const net::IoError filled = source.fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return cut_off(exchange);
    if (head_pending) {  // the client need not wait for the body to see the head
      if (!co_await send_pieces(exchange, pieces, false, &source)) co_return false;
      head_pending = false;
    }
    if (co_await source.wait()) co_return cut_off(exchange);
  }
}

}  // namespace

net::MaybeTask<bool> send_response(Exchange& exchange) {
  Response& response = exchange.response;
  if (exchange.error_status != 0) {
    response.status = exchange.error_status;
    response.reason = {};
    if (has_no_body(response.status)) {
      response.body = nullptr;
      response.content_type = {};
      response.content_length.reset();
    }
  }
  if (exchange.carried_fields)
    for (const Field& field : *exchange.carried_fields) {
      if (field.id == FieldId::ContentType) response.content_type = field.value;
      else response.fields.add(field);
    }
  for (const HeaderFilter& filter : exchange.location->chain.header_filters()) filter.run(exchange, response);
  // What is sent for another status is not the resource that the date is about; as nginx does.
  if (response.status != 200 && response.status != 206 && response.status != 304) response.last_modified = {};

  const bool bodiless = exchange.request.method == Method::Head || response.body == nullptr;
  response.head_sent = true;
  exchange.client().begin_response(response);
  BodyPieces pieces;
  if (!bodiless) {
    const BodyStatus status = collect(*response.body, pieces);
    const Pace pace(exchange);
    if (status != BodyStatus::End || pace.is_limited())
      return send_body(exchange, *response.body, pieces, status, pace);
  }
  // The usual response is whole, and leaves at once.
  if (response.has_trailers) finish_trailers(exchange);
  return send_pieces(exchange, pieces, true, bodiless ? nullptr : response.body);
}

}  // namespace weir::http
