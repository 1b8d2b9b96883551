#include "http/proxy_cookie.h"

#include <optional>

#include "http/exchange.h"
#include "http/proxy_conf.h"

namespace weir::http {

namespace {

/// `name=value` pairs and bare words of a Set-Cookie field; the first is the cookie itself.
struct Attribute {
  std::string_view name;
  std::optional<std::string_view> value;
  bool removed = false;
};
using Attributes = std::vector<Attribute, std::pmr::polymorphic_allocator<Attribute>>;

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Attributes parse(std::string_view cookie, net::Arena& memory) {
  Attributes attributes(&memory);
  for (;;) {
    const std::size_t end = cookie.find(';');
    const std::string_view item = cookie.substr(0, end);
    const std::size_t equals = item.find('=');
    Attribute attribute{trim(item.substr(0, equals)), std::nullopt};
    if (equals != item.npos) attribute.value = trim(item.substr(equals + 1));
    attributes.push_back(attribute);
    if (end == cookie.npos) return attributes;
    cookie.remove_prefix(end + 1);
  }
}

std::string_view write(Exchange& exchange, const Attributes& attributes) {
  std::vector<std::string_view, std::pmr::polymorphic_allocator<std::string_view>> parts(&exchange.arena());
  for (const Attribute& attribute : attributes) {
    if (attribute.removed) continue;
    if (!parts.empty()) parts.push_back("; ");
    parts.push_back(attribute.name);
    if (!attribute.value) continue;
    parts.push_back("=");
    parts.push_back(*attribute.value);
  }
  return exchange.concat(parts);
}

/// Whether the domain or the path was changed.
bool rewrite(Exchange& exchange, const std::vector<CookieRewrite>& rules, bool is_domain, std::string_view& value) {
  for (const CookieRewrite& rule : rules) {
    if (rule.regex) {
      if (!exchange.match(rule.regex, value)) continue;
      value = rule.to.evaluate(exchange);
      return true;
    }
    const std::string_view from = rule.from.evaluate(exchange);
    if (is_domain) {
      // A leading dot says nothing (RFC 6265 5.2.3) but stays.
      const std::string_view dot = value.substr(0, value.starts_with('.') ? 1 : 0);
      if (!equal_caseless(value.substr(dot.size()), from)) continue;
      value = exchange.concat({dot, rule.to.evaluate(exchange)});
    } else {
      if (!value.starts_with(from)) continue;
      value = exchange.concat({rule.to.evaluate(exchange), value.substr(from.size())});
    }
    return true;
  }
  return false;
}

enum class SameSite : std::uint8_t { AsIs, Remove, Strict, Lax, None };
constexpr std::string_view kSameSiteNames[] = {"", "", "Strict", "Lax", "None"};

struct Wanted {
  std::optional<bool> secure, http_only;
  SameSite same_site = SameSite::AsIs;
  bool anything = false;
};

bool apply_word(Wanted& wanted, std::string_view word) {
  if (equal_caseless(word, "secure")) wanted.secure = true;
  else if (equal_caseless(word, "nosecure")) wanted.secure = false;
  else if (equal_caseless(word, "httponly")) wanted.http_only = true;
  else if (equal_caseless(word, "nohttponly")) wanted.http_only = false;
  else if (equal_caseless(word, "nosamesite")) wanted.same_site = SameSite::Remove;
  else if (equal_caseless(word, "samesite=strict")) wanted.same_site = SameSite::Strict;
  else if (equal_caseless(word, "samesite=lax")) wanted.same_site = SameSite::Lax;
  else if (equal_caseless(word, "samesite=none")) wanted.same_site = SameSite::None;
  else return false;
  return wanted.anything = true;
}

Wanted wanted_for(Exchange& exchange, const std::vector<CookieFlags>& rules, std::string_view cookie) {
  Wanted wanted;
  for (const CookieFlags& rule : rules) {
    const bool fits = rule.regex ? exchange.match(rule.regex, cookie)
                                 : equal_caseless(rule.name.evaluate(exchange), cookie);
    if (!fits) continue;
    for (const Template& flag : rule.flags) apply_word(wanted, flag.evaluate(exchange));
    break;
  }
  return wanted;
}

bool apply_flags(Wanted wanted, Attributes& attributes) {
  if (!wanted.anything) return false;
  const auto switch_flag = [](std::optional<bool>& flag, Attribute& attribute) {
    if (!flag) return;
    if (!*flag) attribute.removed = true;
    else flag.reset();  // it is there
  };
  for (std::size_t i = 1; i < attributes.size(); ++i) {
    Attribute& attribute = attributes[i];
    if (equal_caseless(attribute.name, "secure")) switch_flag(wanted.secure, attribute);
    if (equal_caseless(attribute.name, "httponly")) switch_flag(wanted.http_only, attribute);
    if (!equal_caseless(attribute.name, "samesite") || wanted.same_site == SameSite::AsIs) continue;
    if (wanted.same_site == SameSite::Remove) {
      attribute.removed = true;
      continue;
    }
    const std::string_view name = kSameSiteNames[static_cast<std::size_t>(wanted.same_site)];
    if (!attribute.value || !equal_caseless(*attribute.value, name)) attribute = {"SameSite", name};
    wanted.same_site = SameSite::AsIs;
  }
  if (wanted.secure == true) attributes.push_back({"Secure", std::nullopt});
  if (wanted.http_only == true) attributes.push_back({"HttpOnly", std::nullopt});
  if (wanted.same_site > SameSite::Remove)
    attributes.push_back({"SameSite", kSameSiteNames[static_cast<std::size_t>(wanted.same_site)]});
  return true;
}

}  // namespace

bool is_cookie_flag(std::string_view word) {
  Wanted unused;
  return apply_word(unused, word);
}

std::string_view cookie_for_client(Exchange& exchange, std::string_view cookie) {
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  if (conf.cookie_domain->empty() && conf.cookie_path->empty() && conf.cookie_flags->empty()) return cookie;
  Attributes attributes = parse(cookie, exchange.arena());
  if (!attributes[0].value) return cookie;  // no cookie
  bool changed = false;
  for (std::size_t i = 1; i < attributes.size(); ++i) {
    Attribute& attribute = attributes[i];
    if (!attribute.value) continue;
    if (equal_caseless(attribute.name, "domain"))
      changed = rewrite(exchange, *conf.cookie_domain, true, *attribute.value) || changed;
    if (equal_caseless(attribute.name, "path"))
      changed = rewrite(exchange, *conf.cookie_path, false, *attribute.value) || changed;
  }
  changed = apply_flags(wanted_for(exchange, *conf.cookie_flags, attributes[0].name), attributes) || changed;
  return changed ? write(exchange, attributes) : cookie;
}

}  // namespace weir::http
