// limit_rate: how fast a response may be sent.
#include "features/scopes.h"
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

// `set $limit_rate …` limits too, wherever it stands.
void finish(config::Settings& settings, Loader& loader) {
  if (const auto slot = loader.config.variables.writable("limit_rate"))
    settings.edit<RateConf>().variable = static_cast<int>(*slot);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&RateConf::rate, &size_value>("limit_rate", kWithIf, {1, 1}, "rate",
        "Octets per second that a response is sent with; 0: no limit."),
    config::directive<&RateConf::after, &size_value>("limit_rate_after", kWithIf, {1, 1}, "size",
        "How much of a response is sent before the limit applies."),
};

}  // namespace

extern const Feature limit_rate;
const Feature limit_rate{.name = "limit_rate", .directives = kDirectives, .finish = finish};

}  // namespace weir::http
