#include "shared/loader.h"

#include "config/directive_table.h"
#include "shared/address.h"

namespace weir::shared {

UpstreamBlock& Loader::upstream_for(const std::string& host_and_port, std::uint16_t default_port,
                                    const config::Settings& scope, const config::Position& at) {
  if (UpstreamBlock* known = protocol.find_upstream(host_and_port)) {
    if (!known->passed_from) known->passed_from = &scope;
    return *known;
  }
  auto block = std::make_unique<UpstreamBlock>();
  block->name = host_and_port;
  block->is_implicit = true;
  block->at = at;
  block->passed_from = &scope;
  block->method = balancer::find_picker("round_robin");
  const HostPort target = parse_host_port(host_and_port, default_port);
  block->servers.push_back({target.host, target.port, {}, at});
  block->servers.back().member.name = host_and_port;
  protocol.upstreams.push_back(std::move(block));
  return *protocol.upstreams.back();
}

config::Regex Loader::compile_regex(std::string_view pattern, config::Regex::Case sensitivity) {
  config::Regex regex = config::Regex::compile(pattern, sensitivity);
  for (const config::Regex::Name& name : regex.names())
    if (!protocol.variables.define_writable(name.name))
      throw config::ValueError("the name of a group is the name of a built-in variable: \"" + name.name + "\"");
  return regex;
}

void Loader::load_block(const config::Statement& block, config::Context where, config::Settings& settings) {
  table.apply_block(block.children, where, settings, *this, diagnostics);
}

void Loader::check_names() {
  for (const auto& [name, at] : protocol.variables.missing())
    diagnostics.error(at, "unknown \"" + name + "\" variable");
}

void Loader::finish_shared() {
  // By index: work may add to the list.
  for (std::size_t i = 0; i < later_.size(); ++i) {
    const auto [at, work] = std::move(later_[i]);
    protocol.variables.read_at(at);
    work();
  }
  later_.clear();
  check_names();
  for (std::size_t i = 0; i < protocol.upstreams.size(); ++i) {
    protocol.upstreams[i]->index = static_cast<std::uint32_t>(i);
    table.inherit(protocol.upstreams[i]->settings, protocol.settings);
  }
}

}  // namespace weir::shared
