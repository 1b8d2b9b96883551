// Settings of what is served from files. The directives that set them stand in features/files.cc and its neighbours.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "http/variable.h"

namespace weir::http {

/// `root` or `alias`.
struct DocumentRoot {
  Template path;
  bool is_alias = false;
  /// Of an alias: how much of the URI's beginning the path stands for; 0 where a pattern chose the location, then the
  /// path is the whole file name.
  std::string location;
};

/// `if_modified_since`.
enum class IfModifiedSince : std::uint8_t { Off, Exact, Before };

/// File name extension in lower case → content type.
using ContentTypes = std::map<std::string, std::string, std::less<>>;

struct FileConf {
  config::Setting<DocumentRoot> root;
  config::Setting<std::shared_ptr<ContentTypes>> types;  // null: the few that are built in
  config::Setting<bool> etag{true};
  config::Setting<bool> log_not_found{true};
  config::Setting<IfModifiedSince> if_modified_since{IfModifiedSince::Exact};
  config::Setting<std::uint32_t> max_ranges{INT32_MAX};
};

}  // namespace weir::http
