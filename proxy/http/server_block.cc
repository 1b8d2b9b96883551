#include "http/server_block.h"

#include "http/exchange.h"

namespace weir::http {

std::string ServerNames::add(const ServerBlock& server) {
  std::string taken;
  const auto insert = [&](Table& table, const std::string& name) {
    const auto [place, added] = table.emplace(name, &server);
    if (!added && place->second != &server && taken.empty()) taken = name;
  };
  for (const ServerName& name : server.names) {
    switch (name.kind) {
      case ServerName::Kind::Exact: insert(exact_, name.text); break;
      case ServerName::Kind::LeadingWildcard:
        insert(leading_, name.text);
        if (name.matches_bare) insert(exact_, name.text.substr(1));
        break;
      case ServerName::Kind::TrailingWildcard: insert(trailing_, name.text); break;
      case ServerName::Kind::Regex: regexes_.emplace_back(&name.regex, &server); break;
    }
  }
  return taken;
}

const ServerBlock* ServerNames::find_plain(std::string_view host) const {
  if (const auto found = exact_.find(host); found != exact_.end()) return found->second;
  if (!leading_.empty())
    for (std::size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1))
      if (const auto found = leading_.find(host.substr(dot)); found != leading_.end()) return found->second;
  if (!trailing_.empty())
    for (std::size_t dot = host.rfind('.'); dot != host.npos && dot != 0; dot = host.rfind('.', dot - 1))
      if (const auto found = trailing_.find(host.substr(0, dot + 1)); found != trailing_.end()) return found->second;
  return nullptr;
}

const ServerBlock* ServerNames::find(std::string_view host, Exchange& exchange) const {
  if (const ServerBlock* const plain = find_plain(host)) return plain;
  for (const auto& [regex, server] : regexes_)
    if (exchange.match(*regex, host)) return server;
  return nullptr;
}

const ServerBlock* ServerNames::find(std::string_view host) const {
  if (const ServerBlock* const plain = find_plain(host)) return plain;
  for (const auto& [regex, server] : regexes_)
    if (regex->matches(host)) return server;
  return nullptr;
}

}  // namespace weir::http
