// set_real_ip_from: proxies in front that are trusted to name the client.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "config/setting.h"
#include "config/settings.h"
#include "shared/cidr.h"

namespace weir::shared {

struct TrustedProxies {
  config::Setting<std::vector<Network>> networks;
};

inline bool trusts_proxies(const config::Settings& settings) {
  return !settings.get<TrustedProxies>().networks->empty();
}

inline bool is_trusted(std::span<const Network> trusted, const net::Endpoint& address) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const Network& network) { return network.contains(address); });
}

}  // namespace weir::shared
