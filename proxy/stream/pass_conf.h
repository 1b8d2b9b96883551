// Settings of `pass`. The directive stands in features/pass.cc.
#pragma once

#include <optional>

#include "config/setting.h"
#include "net/endpoint.h"
#include "stream/variable.h"

namespace weir::stream {

struct PassConf {
  config::Setting<Template> target;
  std::optional<net::Endpoint> address;  // of a target without variables
};

}  // namespace weir::stream
