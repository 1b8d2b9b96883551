// The error log of a scope. The directive that sets it stands in features/error_log.cc.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/setting.h"
#include "log/error_log.h"

namespace weir::shared {

struct ErrorLogConf {
  config::Setting<std::shared_ptr<log::ErrorLog>> log;  // null: the process's
};

/// A log that is to be opened when the configuration is taken.
struct ErrorLogToOpen {
  std::shared_ptr<log::ErrorLog> log;
  std::string path;  // empty: standard error
  std::shared_ptr<log::Syslog> server;  // instead of a file
  log::Level level = log::Level::Error;
};

}  // namespace weir::shared
