// What a backend sees of a request, and what a client sees of its answer.
#include <algorithm>

#include "http/content_type.h"
#include "http/forward.h"
#include "http/proxy_cookie.h"
#include "http/proxy_redirect.h"
#include "http/respond.h"

namespace weir::http {

namespace {

bool is_skipped(const RequestFields& plan, const Field& field) {
  if (field.id != FieldId::Other) return plan.known_skipped.contains(field.id);
  return std::any_of(plan.other_skipped.begin(), plan.other_skipped.end(),
                     [&](const std::string& name) { return equal_caseless(name, field.name); });
}

}  // namespace

void compose_request(Exchange& exchange, OutgoingRequest& outgoing) {
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  const RequestFields& plan = *conf.request_fields;
  if (!conf.method->is_empty_literal()) outgoing.method = conf.method->evaluate(exchange);
  if (outgoing.method.empty()) outgoing.method = exchange.method_name();
  outgoing.method_id = method_of(outgoing.method);
  outgoing.version = *conf.http_version;
  outgoing.fields.reserve(plan.set.size() + exchange.request.fields.size());
  for (const HeaderAssignment& assignment : plan.set) {
    const std::string_view value = assignment.value.evaluate(exchange);
    if (!value.empty()) outgoing.fields.add({assignment.name, value, assignment.id});
  }
  if (!*conf.pass_request_headers) return;
  for (const Field& field : exchange.request.fields)
    if (!is_skipped(plan, field) && !is_hop_by_hop(field, exchange.request.connection)) outgoing.fields.add(field);
}

namespace {

/// A path that Weir put into Location in place of the backend's URL: completed as those of its own redirections.
std::string_view location_for_client(Exchange& exchange, std::string_view location) {
  const std::string_view ours = redirect_for_client(exchange, location);
  return ours.data() != location.data() && ours.starts_with('/') ? absolute_location(exchange, ours) : ours;
}

/// The content type, with the charset that X-Accel-Charset asks for if it names none itself.
std::string_view typed(Exchange& exchange, const ResponseHead& head, std::string_view type) {
  const std::string_view charset = head.fields.value(FieldId::XAccelCharset);
  if (charset.empty() || equal_caseless(charset, "off") ||
      (*exchange.conf<ProxyConf>().ignore_headers & ignored::kAccelCharset) != 0)
    return type;
  if (find_charset(type) != type.npos) return type;
  return exchange.concat({type, "; charset=", charset});
}

bool is_hidden(const ProxyConf& conf, const Field& field) {
  if (field.id != FieldId::Other) return conf.hidden.contains(field.id);
  return std::any_of(conf.hidden_others.begin(), conf.hidden_others.end(),
                     [&](const std::string& name) { return equal_caseless(name, field.name); });
}

/// Fields of which a response has one: the first counts, as for nginx.
void set_once(Exchange& exchange, std::string_view& place, const Field& field) {
  if (place.data() != nullptr) {
    log::warn(exchange.runtime().error_log(), exchange.subject(),
              "upstream sent duplicate header line: \"{}: {}\", ignored", field.name, field.value);
    return;
  }
  place = field.value;
}

}  // namespace

void accept_head(Exchange& exchange, const ResponseHead& head) {
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  Response& response = exchange.response;
  response.clear();
  response.status = head.status;
  response.reason = head.reason;
  response.fields.reserve(head.fields.size());
  for (const Field& field : head.fields) {
    if (is_hidden(conf, field) || is_hop_by_hop(field, head.connection)) continue;
    switch (field.id) {
      case FieldId::ContentLength: break;
      case FieldId::ContentType: set_once(exchange, response.content_type, field); break;
      case FieldId::Date: set_once(exchange, response.date, field); break;
      case FieldId::Server: set_once(exchange, response.server, field); break;
      case FieldId::LastModified: set_once(exchange, response.last_modified, field); break;
      case FieldId::Location: set_once(exchange, response.location, field); break;
      case FieldId::SetCookie:
        response.fields.add({field.name, cookie_for_client(exchange, field.value), field.id});
        break;
      case FieldId::Refresh:
        response.fields.add({field.name, refresh_for_client(exchange, field.value), field.id});
        break;
      default: response.fields.add(field);
    }
  }
  if (exchange.carried_fields) exchange.carried_fields->remove(FieldId::ContentType);  // it describes another content
  if (!response.location.empty()) response.location = location_for_client(exchange, response.location);
  if (!response.content_type.empty()) response.content_type = typed(exchange, head, response.content_type);
  if (head.has_length && head.framing.kind != Framing::Kind::Chunked) response.content_length = head.length;
  if (head.framing.kind == Framing::Kind::Chunked && *conf.pass_trailers) response.has_trailers = true;
}

}  // namespace weir::http
