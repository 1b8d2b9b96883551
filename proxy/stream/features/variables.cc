// variables: the built-in ones of sessions. Source: nginx's index of variables of ngx_stream_core_module and
// ngx_stream_upstream_module.
#include <fmt/format.h>

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

template <class... Args>
VariableValue format(Session& session, fmt::format_string<Args...> form, Args&&... args) {
  char text[96];
  const auto end = fmt::format_to_n(text, sizeof text, form, std::forward<Args>(args)...);
  return {session.keep({text, std::min(end.size, sizeof text)})};
}

// --- where the client connected to

VariableValue server_addr(Session& x, const VariableArg&) {
  return {x.keep(x.local().is_unix() ? x.local().to_string() : x.local().address_string())};
}
VariableValue server_port(Session& x, const VariableArg&) {
  return x.local().is_unix() ? VariableValue{} : format(x, "{}", x.local().port());
}

// --- the session

VariableValue protocol(Session& x, const VariableArg&) { return {x.datagrams() ? "UDP" : "TCP"}; }
VariableValue connection(Session& x, const VariableArg&) { return format(x, "{}", x.connection()); }
VariableValue session_status(Session& x, const VariableArg&) { return format(x, "{:03}", x.status); }
VariableValue bytes_sent(Session& x, const VariableArg&) { return format(x, "{}", x.sent); }
VariableValue bytes_received(Session& x, const VariableArg&) { return format(x, "{}", x.received); }
VariableValue session_time(Session& x, const VariableArg&) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(x.loop().now() - x.started()).count();
  return format(x, "{}.{:03}", ms / 1000, ms % 1000);
}

// --- its attempts at backends, as lists

template <class Print>
VariableValue list(Session& x, const Print& print) {
  if (x.attempts.empty()) return VariableValue::not_found();
  std::string text;
  for (const AttemptRecord& attempt : x.attempts) {
    if (!text.empty()) text += ", ";
    print(text, attempt);
  }
  return {x.keep(text)};
}

VariableValue upstream_addr(Session& x, const VariableArg&) {
  return list(x, [](std::string& text, const AttemptRecord& attempt) { text += attempt.address; });
}
template <std::uint64_t AttemptRecord::*which>
VariableValue upstream_octets(Session& x, const VariableArg&) {
  return list(x, [](std::string& text, const AttemptRecord& attempt) { text += std::to_string(attempt.*which); });
}
template <std::chrono::microseconds AttemptRecord::*which>
VariableValue upstream_time(Session& x, const VariableArg&) {
  return list(x, [](std::string& text, const AttemptRecord& attempt) {
    const auto ms = (attempt.*which).count() / 1000;
    if ((attempt.*which).count() < 0)
      text += '-';
    else
      fmt::format_to(std::back_inserter(text), "{}.{:03}", ms / 1000, ms % 1000);
  });
}

constexpr VariableSpec kVariables[] = {
    {"server_addr", getter<server_addr>},
    {"server_port", getter<server_port>},
    {"protocol", getter<protocol>},
    {"connection", getter<connection>},
    {"status", getter<session_status>},
    {"bytes_sent", getter<bytes_sent>},
    {"bytes_received", getter<bytes_received>},
    {"session_time", getter<session_time>},
    {"upstream_addr", getter<upstream_addr>},
    {"upstream_bytes_sent", getter<upstream_octets<&AttemptRecord::sent>>},
    {"upstream_bytes_received", getter<upstream_octets<&AttemptRecord::received>>},
    {"upstream_connect_time", getter<upstream_time<&AttemptRecord::connect>>},
    {"upstream_first_byte_time", getter<upstream_time<&AttemptRecord::first_byte>>},
    {"upstream_session_time", getter<upstream_time<&AttemptRecord::total>>},
};

}  // namespace

extern const Feature variables;
const Feature variables{.name = "variables", .variables = kVariables};

}  // namespace weir::stream
