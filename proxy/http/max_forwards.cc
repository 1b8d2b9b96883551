#include "http/max_forwards.h"

#include <fmt/format.h>

#include "config/values.h"

namespace weir::http {

std::optional<PhaseResult> count_forward(Exchange& exchange, OutgoingRequest& outgoing) {
  // In TRACE it means the same, but TRACE is never forwarded; with other methods it may be ignored.
  if (outgoing.method_id != Method::Options || !outgoing.fields.contains(FieldId::MaxForwards)) return std::nullopt;
  const auto left = config::parse_number(outgoing.fields.value(FieldId::MaxForwards), INT64_MAX);
  if (!left || outgoing.fields.count(FieldId::MaxForwards) != 1) {
    exchange.count_refusal(Refusal::Fields);
    log::info(exchange.runtime().error_log(), exchange.subject(), "client sent an invalid \"Max-Forwards\" header");
    return PhaseResult::respond(400);
  }
  if (*left > 0) {
    outgoing.fields.replace(FieldId::MaxForwards, exchange.keep(fmt::format_int(*left - 1).c_str()));
    return std::nullopt;
  }
  exchange.response.status = 200;
  exchange.response.content_length = 0;
  exchange.response.fields.add({"Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH", FieldId::Other});
  return PhaseResult::done();
}

}  // namespace weir::http
