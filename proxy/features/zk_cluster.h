// What an upstream says about ZooKeeper. The place where everything is put together starts the discovery from it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/setting.h"

namespace weir::http {

struct ZkConf {
  config::Setting<std::vector<std::string>> servers;  // `host[:port]`; empty: no discovery
  config::Setting<std::string> path;                  // empty: /weir/<name of the upstream>
  config::Setting<std::chrono::milliseconds> session{std::chrono::milliseconds(6'000)};
};

}  // namespace weir::http
