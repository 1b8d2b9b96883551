#include "http/core_conf.h"
#include "http/pace.h"
#include "http/respond.h"

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
        co_await net::sleep(exchange.loop(), pace.delay());
        continue;
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

/// Reads, then sends, then reads again: one buffer, and a slow reader slows the writer by itself.
net::Task<Cut> send_body(Exchange& exchange, BodySource& source) {
  BodyPieces pieces;
  Pace pace(exchange);
  bool head_pending = true;
  for (;;) {
    pieces.clear();
    const BodyStatus status = collect(source, pieces);
    const bool last = status == BodyStatus::End;
    if (!pieces.is_empty() || last) {
      if (last && exchange.response.has_trailers) finish_trailers(exchange);
      const bool sent = pace.is_limited() ? co_await send_paced(exchange, pieces, last, &source, pace)
                                          : co_await send_pieces(exchange, pieces, last, &source);
      if (!sent) co_return Cut::ClientGone;
      head_pending = false;
    }
    if (last) co_return Cut::No;
    if (status == BodyStatus::Bad) co_return Cut::SourceFailed;
    if (status == BodyStatus::Data) continue;

    const net::IoError filled = source.fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return Cut::SourceFailed;
    if (head_pending) {  // the client need not wait for the body to see the head
      if (!co_await send_pieces(exchange, pieces, false, &source)) co_return Cut::ClientGone;
      head_pending = false;
    }
    if (const net::IoError waited = co_await source.wait()) co_return Cut::SourceFailed;
  }
}

}  // namespace

net::Task<void> send_response(Exchange& exchange) {
  Response& response = exchange.response;
  if (exchange.error_status != 0) {
    response.status = exchange.error_status;
    response.reason = {};
  }
  if (exchange.carried_fields)
    for (const Field& field : *exchange.carried_fields) {
      if (field.id == FieldId::ContentType) response.content_type = field.value;
      else response.fields.add(field);
    }
  for (const HeaderFilter& filter : exchange.location->chain.header_filters()) filter.run(exchange, response);

  const bool bodiless = exchange.request.method == Method::Head || response.body == nullptr;
  response.head_sent = true;
  exchange.client().begin_response(response);
  if (bodiless) {
    if (response.has_trailers) finish_trailers(exchange);
    co_await send_pieces(exchange, BodyPieces(), true, nullptr);
    co_return;
  }
  switch (co_await send_body(exchange, *response.body)) {
    case Cut::No: break;
    case Cut::SourceFailed:
      exchange.response.is_cut = true;
      exchange.client().break_off();
      break;
    case Cut::ClientGone: break;
  }
}

}  // namespace weir::http
