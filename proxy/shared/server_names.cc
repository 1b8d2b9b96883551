#include "shared/server_names.h"

#include <fmt/format.h>

#include "shared/lower.h"

namespace weir::shared {

ServerName parse_server_name(const config::Call& call, const std::string& text) {
  ServerName name;
  if (text.starts_with('~')) {
    name.kind = ServerName::Kind::Regex;
    if (text.size() == 1) call.fail(fmt::format("empty regex in server name \"{}\"", text));
    name.regex = Loader::of(call).compile_regex(std::string_view(text).substr(1), config::Regex::Case::Insensitive);
    return name;
  }
  name.text = lower(text);
  const bool stars = text.find('*') != text.npos;
  if (name.text.starts_with('.')) {
    name.kind = ServerName::Kind::LeadingWildcard;
    name.matches_bare = true;
  } else if (name.text.starts_with("*.")) {
    name.kind = ServerName::Kind::LeadingWildcard;
    name.text.erase(0, 1);
  } else if (name.text.ends_with(".*")) {
    name.kind = ServerName::Kind::TrailingWildcard;
    name.text.pop_back();
  }
  if (text.find('/') != text.npos)
    call.warn(fmt::format("server name \"{}\" has suspicious symbols", text));
  if ((stars && name.kind == ServerName::Kind::Exact) || name.text.find('*') != name.text.npos ||
      name.text.find("..") != name.text.npos)
    call.fail(fmt::format("invalid server name or wildcard \"{}\"", text));
  return name;
}

std::string primary_name(std::string_view first) { return lower(first.starts_with('.') ? first.substr(1) : first); }

}  // namespace weir::shared
