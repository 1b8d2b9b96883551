// server_name: which of the virtual servers of one address a name belongs to.
//
// Built while loading, immutable afterwards. Source: nginx's documentation of `server_name`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/regex.h"
#include "shared/context.h"
#include "shared/loader.h"

namespace weir::shared {

/// One name of a `server_name` directive.
struct ServerName {
  enum class Kind : std::uint8_t { Exact, LeadingWildcard, TrailingWildcard, Regex } kind = Kind::Exact;
  std::string text;  // lower case; of a wildcard the part that must match, such as `.example.com` or `www.example.`
  config::Regex regex;
  bool matches_bare = false;  // `.example.com` stands for `example.com` too
};

/// Reads one argument of `server_name`. Throws config::ValueError.
ServerName parse_server_name(const config::Call& call, const std::string& text);
/// `$server_name`, made of the first argument.
std::string primary_name(std::string_view first);

/// The names of all servers that share one listening address. `Server` has `names`.
template <class Server>
class ServerNames {
 public:
  /// Adds a server's names. Returns the name that another server of this address has already, or an empty text.
  std::string add(const Server& server) {
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

  /// The server for `host` (lower case, no port, no trailing dot): exact name, longest leading wildcard, longest
  /// trailing wildcard, first regular expression; nullptr if none. Captures go to `context`.
  const Server* find(std::string_view host, Context& context) const {
    if (const Server* const plain = find_plain(host)) return plain;
    for (const auto& [regex, server] : regexes_)
      if (context.match(*regex, host)) return server;
    return nullptr;
  }
  /// The same where there is no context yet: captures go nowhere.
  const Server* find(std::string_view host) const {
    if (const Server* const plain = find_plain(host)) return plain;
    for (const auto& [regex, server] : regexes_)
      if (regex->matches(host)) return server;
    return nullptr;
  }

 private:
  using Table = std::map<std::string, const Server*, std::less<>>;

  const Server* find_plain(std::string_view host) const {
    if (const auto found = exact_.find(host); found != exact_.end()) return found->second;
    if (!leading_.empty())
      for (std::size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1))
        if (const auto found = leading_.find(host.substr(dot)); found != leading_.end()) return found->second;
    if (!trailing_.empty())
      for (std::size_t dot = host.rfind('.'); dot != host.npos && dot != 0; dot = host.rfind('.', dot - 1))
        if (const auto found = trailing_.find(host.substr(0, dot + 1)); found != trailing_.end()) return found->second;
    return nullptr;
  }

  Table exact_;
  Table leading_;   // `.example.com` → matches any host that ends so
  Table trailing_;  // `www.example.` → matches any host that begins so
  std::vector<std::pair<const config::Regex*, const Server*>> regexes_;
};

}  // namespace weir::shared
