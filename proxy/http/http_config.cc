#include "http/http_config.h"

#include <algorithm>

#include "config/directive_table.h"
#include "http/proxy_conf.h"

namespace weir::http {

const ListenAddress* HttpConfig::find_listen(std::string_view text) const {
  for (const auto& listen : listens)
    if (listen->text == text) return listen.get();
  return nullptr;
}

PassedTo Loader::passed_to(const config::Settings& scope) const {
  const ProxyTarget& target = *scope.get<ProxyConf>().pass;
  return {target.upstream, target.host_and_port,
          [](const config::Settings& settings) {
            const ProxyConf& conf = settings.get<ProxyConf>();
            return std::min(*conf.connect_timeout, *conf.read_timeout);
          },
          [](const config::Settings& settings) { return settings.get<ProxyConf>().pass->scheme == "https"; }};
}

void Loader::finish_location(Location& scope, const config::Settings& outer) {
  table.inherit(scope.settings, outer);
  location = &scope;
  for (const Feature* feature : config.features)
    if (feature->finish) feature->finish(scope.settings, *this);
  scope.chain.build(config.features, scope.settings);
  scope.nested.for_each([&](Location& inner) {
    finish_location(inner, scope.settings);
    if (inner.redirects_to_slash) scope.nested.redirect_to_slash(inner);
  });
  for (const auto& block : scope.blocks) finish_location(*block, scope.settings);
}

void Loader::finish() {
  finish_shared();
  for (const auto& block : config.servers) {
    server = block.get();
    finish_location(block->root, config.settings);
  }
  server = nullptr;
  location = nullptr;
}

}  // namespace weir::http
