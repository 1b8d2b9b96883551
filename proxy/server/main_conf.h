// Settings outside of http: the process, its workers, its logs.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/directive_table.h"
#include "config/setting.h"
#include "log/level.h"
#include "log/syslog.h"
#include "server/privileges.h"

namespace weir::server {

/// One `error_log TARGET [LEVEL]`.
struct ErrorLogTarget {
  std::string path;  // empty: standard error
  std::shared_ptr<log::Syslog> server;  // instead of a file
  log::Level level = log::Level::Error;
};

struct MainConf {
  config::Setting<bool> daemon{true};
  config::Setting<std::string> pid;
  config::Setting<std::optional<Identity>> user;  // none unless root starts
  config::Setting<unsigned> worker_processes{1};  // 0: as many as processors
  config::Setting<std::uint32_t> worker_connections{512};
  config::Setting<std::uint32_t> descriptor_limit;
  config::Setting<std::chrono::milliseconds> shutdown_timeout{std::chrono::milliseconds(0)};
  config::Setting<std::vector<ErrorLogTarget>> error_logs;
};

/// Adds the directives of the main context, `events` and `http` themselves.
void add_main_directives(config::DirectiveTable& table);

}  // namespace weir::server
