// access_log and log_format, whatever is logged.
#pragma once

#include <string>

#include "config/settings.h"

namespace weir::shared {

class Context;
class Loader;

bool has_access_logs(const config::Settings& settings);

/// Writes the lines that the settings of `context` ask for. `may_name_files`: whether what is logged may decide about a
/// file's name (null: yes).
void write_access_logs(Context& context, bool (*may_name_files)(Context&));

/// Without any access_log in `settings` there is one of http's form, at `path`.
void add_default_access_log(config::Settings& settings, Loader& loader, const std::string& path);

}  // namespace weir::shared
