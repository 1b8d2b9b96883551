// How far Weir goes to answer a request although a backend fails. Whom proxy_next_upstream allows to try is up to that.
#include <fmt/format.h>

#include "features/scopes.h"
#include "shared/upstream_block.h"

namespace weir::http {

namespace {

using config::Call;
using config::directive;
using namespace scopes;

RetryLimit parse_budget(const Call& call) {
  RetryLimit limit;
  if (call.args[0] == "off") {
    if (call.args.size() > 1) call.fail_value(call.args[1]);
    limit.off = true;
    return limit;
  }
  for (const std::string& text : call.args) {
    const std::string_view view = text;
    if (view.ends_with('%')) {
      const auto percent = config::parse_number(view.substr(0, view.size() - 1), 100);
      if (!percent) call.fail_value(text, "a percentage up to 100%");
      limit.percent = static_cast<std::uint32_t>(*percent);
    } else if (view.starts_with("min=")) {
      const auto least = config::parse_number(view.substr(4), 1'000'000);
      if (!least) call.fail_value(text, "min= and a number");
      limit.least = static_cast<std::uint32_t>(*least);
    } else {
      call.fail_value(text, "a percentage, min= and a number, or \"off\"");
    }
  }
  return limit;
}

constexpr config::DirectiveSpec kDirectives[] = {
    directive<&UpstreamConf::retry_limit, &parse_budget>("retry_budget", kUpstream, {1, 2}, "percent [min=number] | off",
        "How many requests may be tried again at the same time, as a share of those under way; 20% and at least 3 "
        "unless given. A retry after a refused connection does not count."),
    directive<&UpstreamConf::hang_detection, &config::on_off>("hang_detection", kUpstream, {1, 1}, "on | off",
        "Whether a backend that is silent for far longer than usual while requests pile up is left alone, and its "
        "idempotent requests are given to another one (if proxy_next_upstream allows it after a timeout). On unless "
        "given."),
};

}  // namespace

extern const Feature failover;
const Feature failover{.name = "failover", .directives = kDirectives};

}  // namespace weir::http
