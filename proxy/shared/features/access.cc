// access: allow and deny.
#include "shared/access_rules.h"

#include <fmt/format.h>

#include "shared/features/features.h"
#include "shared/features/scopes.h"

namespace weir::shared {

namespace {

using config::Call;

AccessRule parse_rule(const Call& call) {
  bool loose = false;
  const auto network = Network::parse(call.args[0], &loose);
  if (!network) call.fail(fmt::format("invalid parameter \"{}\"", call.args[0]));
  if (loose) call.warn(fmt::format("low address bits of {} are meaningless", call.args[0]));
  return {*network, call.name() == "allow"};
}

constexpr auto kContexts = scopes::kHttpServerLocation | config::LimitExcept | scopes::kStreamAndServer;

constexpr config::DirectiveSpec kDirectives[] = {
    config::repeated<&AccessConf::rules, &parse_rule>("allow", kContexts, {1, 1}, "address | CIDR | unix: | all",
        "Lets these addresses pass; the first rule that fits decides."),
    config::repeated<&AccessConf::rules, &parse_rule>("deny", kContexts, {1, 1}, "address | CIDR | unix: | all",
        "Refuses them, in http with 403."),
};

}  // namespace

extern const Directives access_directives;
const Directives access_directives = kDirectives;

}  // namespace weir::shared
