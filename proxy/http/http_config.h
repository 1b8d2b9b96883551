// A whole `http { … }` block, ready to serve. Immutable once it is published.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/directive.h"
#include "config/settings.h"
#include "http/error_log_conf.h"
#include "http/server_block.h"
#include "http/upstream_block.h"
#include "http/variable.h"

namespace weir::http {

/// A file that access logs write to, and how long lines may wait.
struct AccessLogToOpen {
  std::string path;
  std::size_t buffer = 0;              // octets that may wait; 0: lines are written at the end of a turn
  std::chrono::milliseconds flush{0};  // how long a line may wait in the buffer; 0: until it is full
};

struct HttpConfig {
  std::vector<const Feature*> features;  // in order of execution
  config::Settings settings;             // of the http block itself
  std::vector<std::unique_ptr<ServerBlock>> servers;
  std::vector<std::unique_ptr<ListenAddress>> listens;
  std::vector<std::unique_ptr<UpstreamBlock>> upstreams;
  VariableTable variables;
  std::vector<AccessLogToOpen> access_logs;  // each file once
  std::vector<ErrorLogToOpen> error_logs;
  std::uint64_t generation = 0;

  UpstreamBlock* find_upstream(std::string_view name) const;
  const ListenAddress* find_listen(std::string_view text) const;
};

/// What becomes of host names that must be known before the configuration is in force.
enum class Names : std::uint8_t {
  Resolve,
  Leave,  // they are only checked: nothing is going to be served (`-t`, `-s`)
};

/// What directives see and fill while the http block is read.
class Loader : public config::LoadContext {
 public:
  Loader(HttpConfig& into, const config::DirectiveTable& directives, config::Diagnostics& problems,
         std::filesystem::path prefix, std::filesystem::path conf_directory, Names host_names)
      : config(into),
        table(directives),
        diagnostics(problems),
        names(host_names),
        prefix_(std::move(prefix)),
        conf_directory_(std::move(conf_directory)) {}

  static Loader& of(const config::Call& call) { return static_cast<Loader&>(call.context); }

  HttpConfig& config;
  const config::DirectiveTable& table;
  config::Diagnostics& diagnostics;
  const Names names;

  // What is being read; nothing outside such a block.
  ServerBlock* server = nullptr;
  Location* location = nullptr;  // the server's root location directly inside `server`
  UpstreamBlock* upstream = nullptr;

  /// `path` against the prefix (`-p`), unless it is absolute.
  std::string full_path(std::string_view path) const;
  /// `path` against the configuration file's folder, unless it is absolute.
  std::string conf_path(std::string_view path) const;

  /// The upstream `name`: a block if there is one by the end of the file, else a group of its own for the one address.
  UpstreamBlock& upstream_for(const std::string& host_and_port, std::uint16_t default_port,
                              const config::Position& at);

  /// Compiles a pattern; its named groups become variables. Throws config::ValueError.
  config::Regex compile_regex(std::string_view pattern, config::Regex::Case sensitivity);

  /// Reads the statements of a block in a scope of its own.
  void load_block(const config::Statement& block, config::Context where, config::Settings& settings);

  /// To be done when everything was read but not merged yet, such as looking a name up that may be defined later.
  void afterwards(std::function<void()> work) { later_.push_back(std::move(work)); }

  /// Merges settings from outer to inner scopes, builds chains, checks. Call once, after the last statement.
  void finish();

 private:
  void finish_location(Location& scope, const config::Settings& outer);

  std::filesystem::path prefix_, conf_directory_;
  std::vector<std::function<void()>> later_;
};

}  // namespace weir::http
