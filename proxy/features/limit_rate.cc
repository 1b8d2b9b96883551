// limit_rate: how fast a response may be sent.
#include "features/scopes.h"
#include "http/exchange.h"
#include "http/rate_conf.h"

namespace weir::http {

namespace {

using namespace scopes;

Template size_value(const config::Call& call) {
  Template value = template_value(call);
  if (value.is_literal() && !config::parse_size(value.literal_text()))
    call.fail_value(call.args[0], "a size");
  return value;
}

// `set $limit_rate` limits too, wherever it stands.
void set_rate(Exchange& exchange, std::string_view value) {
  const auto size = config::parse_size(value);
  if (size)
    exchange.rate_limit = size->count();
  else
    log::error(exchange.runtime().error_log(), exchange.subject(), "invalid $limit_rate \"{}\"", value);
}
VariableValue rate_in_force(Exchange& exchange, const VariableArg&) {
  const Setting<Template>& configured = exchange.conf<RateConf>().rate;
  std::uint64_t rate = exchange.rate_limit.value_or(0);
  if (!exchange.rate_limit && configured.is_set())
    if (const auto size = config::parse_size(configured->evaluate(exchange))) rate = size->count();
  return {exchange.keep(std::to_string(rate))};
}
constexpr VariableSpec kVariables[] = {{"limit_rate", getter<rate_in_force>, setter<set_rate>}};

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&RateConf::rate, &size_value>("limit_rate", kWithIf, {1, 1}, "rate",
        "Octets per second that a response is sent with; 0: no limit."),
    config::directive<&RateConf::after, &size_value>("limit_rate_after", kWithIf, {1, 1}, "size",
        "How much of a response is sent before the limit applies."),
};

}  // namespace

extern const Feature limit_rate;
const Feature limit_rate{.name = "limit_rate", .directives = kDirectives, .variables = kVariables};

}  // namespace weir::http
