// variables: the built-in ones. Source: nginx's alphabetical index of variables.
#include <fmt/format.h>

#include <charconv>

#include "features/scopes.h"
#include "http/credentials.h"
#include "http/date.h"
#include "http/exchange.h"
#include "http/uri.h"

namespace weir::http {

namespace {

template <class... Args>
VariableValue format(Exchange& exchange, fmt::format_string<Args...> form, Args&&... args) {
  char text[96];
  const auto end = fmt::format_to_n(text, sizeof text, form, std::forward<Args>(args)...);
  return {exchange.keep({text, std::min(end.size, sizeof text)})};
}

/// Of each line of the usual log; fmt takes ten times as long.
VariableValue number(Exchange& exchange, std::uint64_t value) {
  char text[20];
  return {exchange.keep({text, std::to_chars(text, text + sizeof text, value).ptr})};
}
VariableValue three_digits(Exchange& exchange, int value) {
  if (value < 100 || value > 999) return format(exchange, "{:03}", value);
  return number(exchange, static_cast<std::uint64_t>(value));
}

VariableValue or_missing(std::string_view text) {
  return text.empty() ? VariableValue::not_found() : VariableValue{text};
}

VariableValue field_value(Exchange& exchange, const Fields& fields, FieldId id) {
  const Field* const first = fields.find(id);
  if (!first) return VariableValue::not_found();
  if (fields.count(id) == 1) return {first->value};
  const std::string_view separator = id == FieldId::Cookie ? "; " : ", ";
  std::string_view joined = first->value;
  for (const Field& field : fields)
    if (&field != first && field.id == id) joined = exchange.concat({joined, separator, field.value});
  return {joined};
}

/// The field called `wanted`, which is a variable's name: lower case, `_` for `-`.
VariableValue named_field(Exchange& exchange, const Fields& fields, std::string_view wanted) {
  const auto fits = [wanted](std::string_view name) {
    if (name.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
      char c = name[i];
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      if (c == '-') c = '_';
      if (c != wanted[i]) return false;
    }
    return true;
  };
  std::string_view joined;
  bool found = false;
  const std::string_view separator = wanted == "cookie" ? "; " : ", ";
  for (const Field& field : fields) {
    if (!fits(field.name)) continue;
    joined = found ? exchange.concat({joined, separator, field.value}) : field.value;
    found = true;
  }
  return found ? VariableValue{joined} : VariableValue::not_found();
}

/// The value of `name` in a list such as `a=1&b=2`.
VariableValue list_value(std::string_view list, char separator, std::string_view name, bool spaces) {
  while (!list.empty()) {
    const std::size_t end = list.find(separator);
    std::string_view item = list.substr(0, end);
    list = end == list.npos ? std::string_view() : list.substr(end + 1);
    while (spaces && item.starts_with(' ')) item.remove_prefix(1);
    const std::size_t equals = item.find('=');
    if (equals != item.npos && equal_caseless(item.substr(0, equals), name)) return {item.substr(equals + 1)};
  }
  return VariableValue::not_found();
}

// --- the request

VariableValue arg_value(Exchange& x, const VariableArg& arg) { return list_value(x.args, '&', arg.suffix, false); }
VariableValue args_value(Exchange& x, const VariableArg&) { return or_missing(x.args); }
void set_args(Exchange& x, std::string_view value) {
  x.args = value;
  x.uri_is_original = false;  // the raw target has the old ones
}
VariableValue is_args(Exchange& x, const VariableArg&) { return {x.args.empty() ? "" : "?"}; }
VariableValue uri_value(Exchange& x, const VariableArg&) { return {x.uri}; }
VariableValue request_uri(Exchange& x, const VariableArg&) {
  const RequestHead& request = x.request;
  if (request.form != TargetForm::Absolute) return {request.target};
  return {x.concat({request.path_or_root(), request.has_query ? "?" : "", request.query})};
}
VariableValue request_line(Exchange& x, const VariableArg&) { return or_missing(x.request.line); }
// A subrequest tells of the request it is for.
VariableValue request_method(Exchange& x, const VariableArg&) {
  return or_missing(x.is_subrequest ? x.request.method_name : x.method_name());
}
VariableValue server_protocol(Exchange& x, const VariableArg&) { return {version_name(x.request.version)}; }
VariableValue scheme(Exchange& x, const VariableArg&) { return {x.client().stream().tls() ? "https" : "http"}; }
VariableValue https(Exchange& x, const VariableArg&) { return {x.client().stream().tls() ? "on" : ""}; }
VariableValue host(Exchange& x, const VariableArg&) {
  return {x.host.empty() ? std::string_view(x.server->primary_name) : x.host};
}
VariableValue request_port(Exchange& x, const VariableArg&) { return {x.request.port}; }
VariableValue is_request_port(Exchange& x, const VariableArg&) { return {x.request.port.empty() ? "" : ":"}; }
VariableValue http_host(Exchange& x, const VariableArg&) { return field_value(x, x.request.fields, FieldId::Host); }
VariableValue http_field(Exchange& x, const VariableArg& arg) { return named_field(x, x.request.fields, arg.suffix); }
VariableValue cookie(Exchange& x, const VariableArg& arg) {
  for (const Field& field : x.request.fields)
    if (field.id == FieldId::Cookie)
      if (const VariableValue value = list_value(field.value, ';', arg.suffix, true); value.found) return value;
  return VariableValue::not_found();
}
VariableValue content_length(Exchange& x, const VariableArg&) {
  // Of a chunked body it is known once that was read.
  if (x.request.framing.kind == Framing::Kind::Chunked && x.body.is_whole()) return format(x, "{}", x.body.octets());
  return field_value(x, x.request.fields, FieldId::ContentLength);
}
VariableValue content_type(Exchange& x, const VariableArg&) {
  return field_value(x, x.request.fields, FieldId::ContentType);
}
VariableValue request_length(Exchange& x, const VariableArg&) { return number(x, x.client().octets_received()); }
VariableValue request_body(Exchange& x, const VariableArg&) {
  if (!x.body.is_whole() || x.body.belongs_in_file()) return VariableValue::not_found();
  return or_missing(x.body.in_memory());
}
VariableValue remote_user(Exchange& x, const VariableArg&) {
  const auto given = basic_credentials(x.request.fields.value(FieldId::Authorization));
  return given ? or_missing(x.keep(given->user)) : VariableValue::not_found();
}
VariableValue request_time(Exchange& x, const VariableArg&) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(x.loop().now() - x.started).count();
  return format(x, "{}.{:03}", ms / 1000, ms % 1000);
}
VariableValue request_completion(Exchange& x, const VariableArg&) {
  return {x.response.head_sent && !x.response.is_cut && !x.client_gone ? "OK" : ""};
}
VariableValue request_id(Exchange& x, const VariableArg&) {
  auto& state = x.runtime().worker();
  return format(x, "{:016x}{:016x}", state.random(), state.random());
}

// --- the connection

std::string_view address_of(Exchange& x, const net::Endpoint& endpoint) { return x.keep(endpoint.address_string()); }
VariableValue server_addr(Exchange& x, const VariableArg&) { return {address_of(x, x.local())}; }
VariableValue server_port(Exchange& x, const VariableArg&) {
  return format(x, "{}", x.local().port());
}
VariableValue server_name(Exchange& x, const VariableArg&) { return {x.server->primary_name}; }
VariableValue connection(Exchange& x, const VariableArg&) { return format(x, "{}", x.client().connection().id); }
VariableValue connection_requests(Exchange& x, const VariableArg&) {
  return format(x, "{}", x.client().connection().requests);
}
VariableValue connection_time(Exchange& x, const VariableArg&) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(x.loop().now() - x.client().connection().since).count();
  return format(x, "{}.{:03}", ms / 1000, ms % 1000);
}
VariableValue pipe(Exchange& x, const VariableArg&) { return {x.client().is_pipelined() ? "p" : "."}; }

// --- the response

VariableValue status(Exchange& x, const VariableArg&) { return three_digits(x, x.final_status()); }
VariableValue body_bytes_sent(Exchange& x, const VariableArg&) { return number(x, x.response.body_octets_sent); }
VariableValue bytes_sent(Exchange& x, const VariableArg&) { return number(x, x.client().octets_sent()); }
VariableValue sent_field(Exchange& x, const VariableArg& arg) {
  const Response& response = x.response;
  if (arg.suffix == "content_type") return or_missing(response.content_type);
  if (arg.suffix == "location") return or_missing(response.location);
  if (arg.suffix == "last_modified") return or_missing(response.last_modified);
  if (arg.suffix == "content_length" && response.content_length) return format(x, "{}", *response.content_length);
  return named_field(x, response.fields, arg.suffix);
}

VariableValue sent_trailer(Exchange& x, const VariableArg& arg) {
  return named_field(x, x.response.trailers, arg.suffix);
}

// --- the proxy

VariableValue proxy_host(Exchange& x, const VariableArg&) { return or_missing(x.proxy_host); }
VariableValue proxy_port(Exchange& x, const VariableArg&) {
  const std::size_t colon = x.proxy_host.rfind(':');
  if (x.proxy_host.empty()) return VariableValue::not_found();
  return {colon == x.proxy_host.npos || x.proxy_host.ends_with(']') ? x.proxy_port : x.proxy_host.substr(colon + 1)};
}
VariableValue proxy_add_x_forwarded_for(Exchange& x, const VariableArg&) {
  const std::string_view client = address_of(x, x.client_address());
  const VariableValue before = field_value(x, x.request.fields, FieldId::XForwardedFor);
  return {before.found && !before.text.empty() ? x.concat({before.text, ", ", client}) : client};
}

/// The values of all attempts, separated as nginx does: with a colon where an internal redirect led to other backends.
template <class Describe>
VariableValue of_attempts(Exchange& x, Describe describe) {
  if (x.attempts.empty()) return VariableValue::not_found();
  std::string text;
  unsigned redirects = x.attempts.front().redirects;
  for (const AttemptRecord& attempt : x.attempts) {
    if (!text.empty()) text += attempt.redirects == redirects ? ", " : " : ";
    redirects = attempt.redirects;
    describe(text, attempt);
  }
  return {x.keep(text)};
}
void append_time(std::string& text, std::chrono::microseconds time) {
  if (time.count() < 0) {
    text += '-';
    return;
  }
  const auto ms = time.count() / 1000;
  fmt::format_to(std::back_inserter(text), "{}.{:03}", ms / 1000, ms % 1000);
}
VariableValue upstream_addr(Exchange& x, const VariableArg&) {
  return of_attempts(x, [](std::string& text, const AttemptRecord& a) { text += a.address; });
}
VariableValue upstream_status(Exchange& x, const VariableArg&) {
  return of_attempts(x, [](std::string& text, const AttemptRecord& a) {
    text += a.status ? std::to_string(a.status) : std::string("-");
  });
}
template <std::chrono::microseconds AttemptRecord::*Member>
VariableValue upstream_time(Exchange& x, const VariableArg&) {
  return of_attempts(x, [](std::string& text, const AttemptRecord& a) { append_time(text, a.*Member); });
}
template <std::uint64_t AttemptRecord::*Member>
VariableValue upstream_octets(Exchange& x, const VariableArg&) {
  return of_attempts(x, [](std::string& text, const AttemptRecord& a) { text += std::to_string(a.*Member); });
}
VariableValue upstream_field(Exchange& x, const VariableArg& arg) {
  return x.upstream_head ? named_field(x, x.upstream_head->fields, arg.suffix) : VariableValue::not_found();
}
VariableValue upstream_cookie(Exchange& x, const VariableArg& arg) {
  if (!x.upstream_head) return VariableValue::not_found();
  for (const Field& field : x.upstream_head->fields) {
    if (field.id != FieldId::SetCookie || !field.value.starts_with(arg.suffix)) continue;
    std::string_view rest = field.value.substr(arg.suffix.size());
    const auto skip_spaces = [&rest] { rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size())); };
    skip_spaces();
    if (!rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    skip_spaces();
    return {rest.substr(0, rest.find(';'))};
  }
  return VariableValue::not_found();
}

constexpr VariableSpec kVariables[] = {
    {"arg_*", getter<arg_value>},
    {"args", getter<args_value>, setter<set_args>},
    {"query_string", getter<args_value>},
    {"is_args", getter<is_args>},
    {"uri", getter<uri_value>},
    {"document_uri", getter<uri_value>},
    {"request_uri", getter<request_uri>},
    {"request_port", getter<request_port>},
    {"is_request_port", getter<is_request_port>},
    {"request", getter<request_line>},
    {"request_method", getter<request_method>},
    {"server_protocol", getter<server_protocol>},
    {"scheme", getter<scheme>},
    {"https", getter<https>},
    {"host", getter<host>},
    {"http_host", getter<http_host>},
    {"http_*", getter<http_field>},
    {"cookie_*", getter<cookie>},
    {"content_length", getter<content_length>},
    {"content_type", getter<content_type>},
    {"request_length", getter<request_length>},
    {"request_body", getter<request_body>},
    {"request_time", getter<request_time>},
    {"request_completion", getter<request_completion>},
    {"request_id", getter<request_id>, nullptr, true},
    {"remote_user", getter<remote_user>},
    {"server_addr", getter<server_addr>},
    {"server_port", getter<server_port>},
    {"server_name", getter<server_name>},
    {"connection", getter<connection>},
    {"connection_requests", getter<connection_requests>},
    {"connection_time", getter<connection_time>},
    {"pipe", getter<pipe>},
    {"status", getter<status>},
    {"body_bytes_sent", getter<body_bytes_sent>},
    {"bytes_sent", getter<bytes_sent>},
    {"sent_http_*", getter<sent_field>},
    {"sent_trailer_*", getter<sent_trailer>},
    {"proxy_host", getter<proxy_host>},
    {"proxy_port", getter<proxy_port>},
    {"proxy_add_x_forwarded_for", getter<proxy_add_x_forwarded_for>},
    {"upstream_addr", getter<upstream_addr>},
    {"upstream_status", getter<upstream_status>},
    {"upstream_connect_time", getter<upstream_time<&AttemptRecord::connect>>},
    {"upstream_header_time", getter<upstream_time<&AttemptRecord::head>>},
    {"upstream_response_time", getter<upstream_time<&AttemptRecord::total>>},
    {"upstream_bytes_received", getter<upstream_octets<&AttemptRecord::received>>},
    {"upstream_bytes_sent", getter<upstream_octets<&AttemptRecord::sent>>},
    {"upstream_response_length", getter<upstream_octets<&AttemptRecord::body>>},
    {"upstream_http_*", getter<upstream_field>},
    {"upstream_cookie_*", getter<upstream_cookie>},
};

}  // namespace

extern const Feature variables;
const Feature variables{.name = "variables", .variables = kVariables};

}  // namespace weir::http
