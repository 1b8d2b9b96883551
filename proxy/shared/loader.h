// What directives see and fill while a protocol's block is read.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/directive.h"
#include "config/regex.h"
#include "shared/protocol_config.h"

namespace weir::shared {

/// Where `proxy_pass` of a scope sends to; without an upstream it has variables, or there is none.
struct PassedTo {
  UpstreamBlock* upstream = nullptr;
  std::string name;  // as written
  /// What the scope's settings, once they are merged, say: how long a backend may take to answer, and whether the way to it
  /// is encrypted.
  std::chrono::milliseconds (*patience)(const config::Settings&) = nullptr;
  bool (*encrypts)(const config::Settings&) = nullptr;
};

/// What becomes of host names that must be known before the configuration is in force.
enum class Names : std::uint8_t {
  Resolve,
  Leave,  // they are only checked: nothing is going to be served (`-t`, `-s`)
};

/// Belongs to the thread that loads. Each protocol derives its own.
class Loader : public config::LoadContext {
 public:
  static Loader& of(const config::Call& call) { return static_cast<Loader&>(call.context); }

  void begin(const config::Statement& statement) override { protocol.variables.read_at(statement.at); }

  ProtocolConfig& protocol;
  const config::DirectiveTable& table;
  config::Diagnostics& diagnostics;
  const Names names;
  UpstreamBlock* upstream = nullptr;  // the block that is being read

  /// `path` against the prefix (`-p`), unless it is absolute.
  std::string full_path(std::string_view path) const { return (prefix_ / path).string(); }
  /// `path` against the configuration file's folder, unless it is absolute.
  std::string conf_path(std::string_view path) const { return (conf_directory_ / path).string(); }

  /// The upstream that proxy_pass in `scope` names: a block if there is one by the end of the file, else a group of its own
  /// for the one address.
  UpstreamBlock& upstream_for(const std::string& host_and_port, std::uint16_t default_port,
                              const config::Settings& scope, const config::Position& at);
  virtual PassedTo passed_to(const config::Settings& scope) const = 0;

  /// Compiles a pattern; its named groups become variables. Throws config::ValueError.
  config::Regex compile_regex(std::string_view pattern, config::Regex::Case sensitivity);

  /// Reads the statements of a block in a scope of its own.
  void load_block(const config::Statement& block, config::Context where, config::Settings& settings);

  /// To be done when everything was read but not merged yet, such as looking a name up that may be defined later.
  void afterwards(std::function<void()> work) { later_.emplace_back(protocol.variables.reading_at(), std::move(work)); }

  /// Reports what was used and never defined. To be called after the last statement, whether or not there were errors.
  void check_names();

 protected:
  Loader(ProtocolConfig& into, const config::DirectiveTable& directives, config::Diagnostics& problems,
         std::filesystem::path prefix, std::filesystem::path conf_directory, Names host_names)
      : protocol(into),
        table(directives),
        diagnostics(problems),
        names(host_names),
        prefix_(std::move(prefix)),
        conf_directory_(std::move(conf_directory)) {}

  /// Does what waits, and gives upstreams their index and the block's settings. Servers are to be merged after it.
  void finish_shared();

 private:
  std::filesystem::path prefix_, conf_directory_;
  std::vector<std::pair<config::Position, std::function<void()>>> later_;  // and the statement that asked for it
};

}  // namespace weir::shared
