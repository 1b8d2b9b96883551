// Settings of `resolver`. The directives that set them stand in features/resolver.cc.
#pragma once

#include <chrono>
#include <memory>

#include "config/setting.h"
#include "net/resolver.h"

namespace weir::shared {

struct ResolverConf {
  /// Shared by all scopes that inherit it, and so is what was resolved. Null: none is configured.
  config::Setting<std::shared_ptr<const net::Resolver::Options>> resolver;
  config::Setting<std::chrono::milliseconds> timeout{std::chrono::milliseconds(30'000)};
};

}  // namespace weir::shared
