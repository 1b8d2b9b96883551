// A whole configuration: read, checked, and not yet in force.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/diagnostics.h"
#include "config/parser.h"
#include "config/settings.h"
#include "http/http_config.h"
#include "server/command_line.h"
#include "server/main_conf.h"
#include "stream/stream_config.h"

namespace weir::server {

struct Configuration {
  config::Settings settings;                  // MainConf
  std::shared_ptr<http::HttpConfig> http;     // empty but valid without an http block
  std::shared_ptr<stream::StreamConfig> stream;  // likewise
  config::Document document;                  // the files, for -T

  const MainConf& main() const { return settings.get<MainConf>(); }
};

/// All directives of Weir. Made once.
const config::DirectiveTable& directive_table();

/// Reads the configuration of `paths` and checks it as far as that is possible without binding, connecting or creating
/// anything. `directives`: those of -g. Problems go to `diagnostics`.
/// `names`: Resolve if it is to be taken into service; names that must be known by then are looked up, which may wait.
Configuration load_configuration(const Paths& paths, const std::string& directives, config::Diagnostics& diagnostics,
                                 shared::Names names);

/// What directives of the main context see.
class MainLoader : public config::LoadContext {
 public:
  MainLoader(Configuration& into, const Paths& paths, shared::Names names)
      : configuration_(into), paths_(paths), names_(names) {}

  std::string full_path(std::string_view path) const { return path_under(paths_.prefix, path); }
  void load_http(const config::Call& call);
  void load_stream(const config::Call& call);
  bool has_protocol() const { return has_http_ || has_stream_; }
  shared::Names names() const { return names_; }

 private:
  Configuration& configuration_;
  const Paths& paths_;
  const shared::Names names_;
  bool has_http_ = false, has_stream_ = false;
};

}  // namespace weir::server
