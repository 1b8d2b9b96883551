#include "http/http_config.h"

#include <algorithm>

#include "config/directive_table.h"
#include "http/address.h"

namespace weir::http {

UpstreamBlock* HttpConfig::find_upstream(std::string_view name) const {
  for (const auto& upstream : upstreams)
    if (upstream->name == name) return upstream.get();
  return nullptr;
}

const ListenAddress* HttpConfig::find_listen(std::string_view text) const {
  for (const auto& listen : listens)
    if (listen->text == text) return listen.get();
  return nullptr;
}

std::string Loader::full_path(std::string_view path) const { return (prefix_ / path).string(); }
std::string Loader::conf_path(std::string_view path) const { return (conf_directory_ / path).string(); }

UpstreamBlock& Loader::upstream_for(const std::string& host_and_port, std::uint16_t default_port,
                                    const config::Position& at) {
  if (UpstreamBlock* known = config.find_upstream(host_and_port)) return *known;
  auto block = std::make_unique<UpstreamBlock>();
  block->name = host_and_port;
  block->is_implicit = true;
  block->at = at;
  block->method = balancer::find_picker("round_robin");
  const HostPort target = parse_host_port(host_and_port, default_port);
  block->servers.push_back({target.host, target.port, {}, at});
  block->servers.back().member.name = host_and_port;
  config.upstreams.push_back(std::move(block));
  return *config.upstreams.back();
}

config::Regex Loader::compile_regex(std::string_view pattern, config::Regex::Case sensitivity) {
  config::Regex regex = config::Regex::compile(pattern, sensitivity);
  for (const config::Regex::Name& name : regex.names())
    if (!config.variables.define_writable(name.name))
      throw config::ValueError("the name of a group is the name of a built-in variable: \"" + name.name + "\"");
  return regex;
}

void Loader::load_block(const config::Statement& block, config::Context where, config::Settings& settings) {
  table.apply_block(block.children, where, settings, *this, diagnostics);
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
  // By index: work may add to the list.
  for (std::size_t i = 0; i < later_.size(); ++i) later_[i]();
  later_.clear();
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    config.upstreams[i]->index = static_cast<std::uint32_t>(i);
    table.inherit(config.upstreams[i]->settings, config.settings);
  }
  for (const auto& block : config.servers) {
    server = block.get();
    finish_location(block->root, config.settings);
  }
  server = nullptr;
  location = nullptr;
}

}  // namespace weir::http
