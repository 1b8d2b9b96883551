// A whole `http { … }` block, ready to serve. Immutable once it is published.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/server_block.h"
#include "http/shared.h"
#include "shared/loader.h"

namespace weir::http {

struct HttpConfig : ProtocolConfig {
  HttpConfig() { name = "http"; }

  std::vector<const Feature*> features;  // in order of execution
  std::vector<std::unique_ptr<ServerBlock>> servers;
  std::vector<std::unique_ptr<ListenAddress>> listens;
  std::shared_ptr<const shared::ProtocolConfig> stream;  // what the same configuration says about stream

  const ListenAddress* find_listen(std::string_view text) const;
};

/// What directives see and fill while the http block is read.
class Loader final : public shared::Loader {
 public:
  Loader(HttpConfig& into, const config::DirectiveTable& directives, config::Diagnostics& problems,
         std::filesystem::path prefix, std::filesystem::path conf_directory, Names host_names)
      : shared::Loader(into, directives, problems, std::move(prefix), std::move(conf_directory), host_names),
        config(into) {}

  static Loader& of(const config::Call& call) { return static_cast<Loader&>(call.context); }

  HttpConfig& config;

  // What is being read; nothing outside such a block.
  ServerBlock* server = nullptr;
  Location* location = nullptr;  // the server's root location directly inside `server`

  PassedTo passed_to(const config::Settings& scope) const override;

  /// Merges settings from outer to inner scopes, builds chains, checks. Call once, after the last statement.
  void finish();

 private:
  void finish_location(Location& scope, const config::Settings& outer);
};

}  // namespace weir::http
