// allow and deny: rules about addresses. The first that fits decides.
#pragma once

#include <optional>
#include <vector>

#include "config/setting.h"
#include "config/settings.h"
#include "net/endpoint.h"
#include "shared/cidr.h"

namespace weir::shared {

struct AccessRule {
  Network network;
  bool allows = false;
};

struct AccessConf {
  config::Setting<std::vector<AccessRule>> rules;

  /// Whether `client` may pass; nothing if no rule says.
  std::optional<bool> judge(const net::Endpoint& client) const {
    for (const AccessRule& rule : *rules)
      if (rule.network.contains(client)) return rule.allows;
    return std::nullopt;
  }
};

inline bool has_access_rules(const config::Settings& settings) { return !settings.get<AccessConf>().rules->empty(); }

}  // namespace weir::shared
