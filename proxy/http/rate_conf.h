// Settings of limit_rate. The directives that set them stand in features/limit_rate.cc.
#pragma once

#include "config/setting.h"
#include "http/variable.h"

namespace weir::http {

struct RateConf {
  config::Setting<Template> rate;   // octets per second
  config::Setting<Template> after;  // octets that leave before the limit applies
};

}  // namespace weir::http
