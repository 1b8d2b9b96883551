#include "stream/stream_config.h"

#include <algorithm>

#include "config/directive_table.h"
#include "stream/proxy_conf.h"

namespace weir::stream {

void Chain::build(std::span<const Feature* const> features, const config::Settings& settings) {
  for (const Feature* feature : features)
    for (const PhaseHandler& handler : feature->handlers)
      if (handler.enabled(settings)) phases_[static_cast<std::size_t>(handler.phase)].push_back(handler);
}

const ListenAddress* StreamConfig::find_listen(std::string_view text) const {
  for (const auto& listen : listens)
    if (listen->text == text && !listen->datagrams) return listen.get();
  return nullptr;
}

PassedTo Loader::passed_to(const config::Settings& scope) const {
  const ProxyTarget& target = *scope.get<ProxyConf>().pass;
  return {target.upstream, target.address.source(),
          [](const config::Settings& settings) {
            return std::min(*settings.get<ProxyConf>().connect_timeout, *settings.get<shared::HealthCheckConf>().timeout);
          },
          [](const config::Settings& settings) { return *settings.get<ProxyConf>().ssl; }};
}

void Loader::finish() {
  finish_shared();
  for (const auto& block : config.servers) {
    server = block.get();
    table.inherit(block->settings, config.settings);
    for (const Feature* feature : config.features)
      if (feature->finish) feature->finish(*block, *this);
    block->chain.build(config.features, block->settings);
    if (block->chain.handlers(Phase::Content).empty())
      diagnostics.warn(block->at, "no handler for server: its sessions end at once; there is no \"proxy_pass\", \"return\" or \"pass\"");
  }
  server = nullptr;
}

}  // namespace weir::stream
