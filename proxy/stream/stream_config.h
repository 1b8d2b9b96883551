// A whole `stream { … }` block, ready to serve. Immutable once it is published.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "shared/loader.h"
#include "stream/server_block.h"
#include "stream/shared.h"

namespace weir::stream {

struct StreamConfig : ProtocolConfig {
  StreamConfig() { name = "stream"; }

  std::vector<const Feature*> features;  // in order of execution
  std::vector<std::unique_ptr<ServerBlock>> servers;
  std::vector<std::unique_ptr<ListenAddress>> listens;

  /// The address of that text for connections.
  const ListenAddress* find_listen(std::string_view text) const;
};

/// What directives see and fill while the stream block is read.
class Loader final : public shared::Loader {
 public:
  Loader(StreamConfig& into, const config::DirectiveTable& directives, config::Diagnostics& problems,
         std::filesystem::path prefix, std::filesystem::path conf_directory, Names host_names)
      : shared::Loader(into, directives, problems, std::move(prefix), std::move(conf_directory), host_names),
        config(into) {}

  static Loader& of(const config::Call& call) { return static_cast<Loader&>(call.context); }

  StreamConfig& config;
  ServerBlock* server = nullptr;  // the block that is being read

  PassedTo passed_to(const config::Settings& scope) const override;

  /// Merges settings from outer to inner scopes, builds chains, checks. Call once, after the last statement.
  void finish();
};

}  // namespace weir::stream
