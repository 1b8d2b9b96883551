#include "http/proxy_redirect.h"

#include <algorithm>

#include "http/exchange.h"
#include "http/proxy_conf.h"

namespace weir::http {

namespace {

/// The replacement of `url`, or nothing when no rule fits.
std::optional<std::string_view> replace(Exchange& exchange, std::string_view url) {
  for (const ProxyRedirect& rule : exchange.conf<ProxyConf>().redirects) {
    if (rule.regex) {
      std::string_view whole[1];
      if (rule.regex.search(url, whole) != config::Regex::Outcome::Yes) continue;
      if (!exchange.match(rule.regex, url)) continue;
      return exchange.concat({url.substr(0, static_cast<std::size_t>(whole[0].data() - url.data())),
                              rule.to.evaluate(exchange),
                              url.substr(static_cast<std::size_t>(whole[0].data() + whole[0].size() - url.data()))});
    }
    const std::string_view from = rule.from.evaluate(exchange);
    if (!url.starts_with(from)) continue;
    return exchange.concat({rule.to.evaluate(exchange), url.substr(from.size())});
  }
  return std::nullopt;
}

}  // namespace

std::string_view redirect_for_client(Exchange& exchange, std::string_view location) {
  return replace(exchange, location).value_or(location);
}

std::string_view refresh_for_client(Exchange& exchange, std::string_view refresh) {
  constexpr std::string_view kUrl = "url=";  // in either case
  const auto url = std::search(refresh.begin(), refresh.end(), kUrl.begin(), kUrl.end(),
                               [](char c, char lower) { return (c | 0x20) == lower; });
  if (url == refresh.end()) return refresh;
  const std::size_t begin = static_cast<std::size_t>(url - refresh.begin()) + kUrl.size();
  const auto replaced = replace(exchange, refresh.substr(begin));
  return replaced ? exchange.concat({refresh.substr(0, begin), *replaced}) : refresh;
}

}  // namespace weir::http
