// auth_request: let a subrequest decide whether a request may pass.
#include "features/scopes.h"
#include "http/exchange.h"
#include "http/subrequest.h"

namespace weir::http {

namespace {

using config::Call;

/// `auth_request_set $variable value`.
struct Assignment {
  std::uint32_t slot = 0;
  VariableSetter setter = nullptr;  // of a built-in variable; null: `slot` is written
  Template value;
};

struct Conf {
  Setting<std::string> uri;  // empty: off
  Setting<std::vector<Assignment>> assignments;
};

std::string uri_or_off(const Call& call) { return call.args[0] == "off" ? std::string() : call.args[0]; }

Assignment variable_and_value(const Call& call) {
  VariableTable& variables = Loader::of(call).config.variables;
  const std::string_view name = call.args[0];
  if (!name.starts_with('$') || name.size() == 1) call.fail("invalid variable name \"" + call.args[0] + "\"");
  Assignment assignment;
  assignment.setter = variables.setter(name.substr(1));
  if (!assignment.setter) {
    const auto slot = variables.define_writable(name.substr(1));
    if (!slot) call.fail("the duplicate \"" + std::string(name.substr(1)) + "\" variable");
    assignment.slot = *slot;
  }
  assignment.value = Template::compile(call.args[1], variables);
  return assignment;
}

bool enabled(const config::Settings& settings) { return !settings.get<Conf>().uri->empty(); }

/// Values are those that the subrequest has: `$upstream_http_x` is a field of the answer to it.
void assign(Exchange& exchange, Exchange& answer) {
  for (const Assignment& assignment : *exchange.conf<Conf>().assignments) {
    const std::string_view value = assignment.value.evaluate(answer);
    if (assignment.setter)
      assignment.setter(exchange, value);
    else
      exchange.slot(assignment.slot) = VariableValue{value};
  }
}

net::Task<PhaseResult> authorize(Exchange& exchange) {
  Subrequest subrequest(exchange, *exchange.conf<Conf>().uri);
  co_await subrequest.run();
  if (exchange.client_gone) co_return PhaseResult::respond(kClientClosed);
  Exchange& answer = subrequest.exchange();
  assign(exchange, answer);
  const int status = answer.response.status;
  if (status >= 200 && status < 300) co_return PhaseResult::allowed();
  if (status == 401)  // the client needs the challenge
    for (const Field& field : answer.response.fields)
      if (field.id == FieldId::WwwAuthenticate) exchange.carry(field);
  if (status == 401 || status == 403) co_return PhaseResult::respond(status);
  log::error(exchange.runtime().error_log(), exchange.subject(), "auth request unexpected status: {}", status);
  co_return PhaseResult::respond(500);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::uri, &uri_or_off>("auth_request", scopes::kHttpServerLocation, {1, 1}, "uri | off",
        "Serves a request only if a subrequest to `uri` answers 2xx."),
    config::repeated<&Conf::assignments, &variable_and_value>("auth_request_set", scopes::kHttpServerLocation, {2, 2},
        "$variable value", "Sets a variable from the answer to the subrequest."),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Access, .enabled = enabled, .run_async = authorize}};

}  // namespace

extern const Feature auth_request;
const Feature auth_request{.name = "auth_request", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
