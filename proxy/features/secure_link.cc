// secure_link: links that carry a proof that they were given out here, and for how long.
#include <ctime>

#include "features/scopes.h"
#include "http/base64.h"
#include "http/exchange.h"
#include "net/digest.h"

namespace weir::http {

namespace {

using namespace scopes;

struct Conf {
  Setting<Template> link;        // `hash[,expires]`
  Setting<Template> md5;         // what the hash was made of
  Setting<std::string> secret;   // the older form: the hash stands in the path
};

std::string_view octets(const net::Md5& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex(const net::Md5& digest) {
  std::string text;
  for (const std::uint8_t octet : digest) text += fmt::format("{:02x}", octet);
  return text;
}

/// `/prefix/hash/link`: the link, if the hash is that of the link and the secret.
VariableValue link_in_path(Exchange& x, const std::string& secret) {
  const std::string_view path = x.request.target;
  const std::size_t hash = path.find('/', 1);
  const std::size_t link = hash == path.npos ? path.npos : path.find('/', hash + 1);
  if (link == path.npos || link + 1 == path.size()) return VariableValue::not_found();
  const std::string_view given = path.substr(hash + 1, link - hash - 1), rest = path.substr(link + 1);
  if (!equal_caseless(given, hex(net::md5(std::string(rest) + secret)))) return VariableValue::not_found();
  return {rest};
}

/// The time after the comma of `hash,expires`.
std::string_view expires_of(std::string_view link) {
  const std::size_t comma = link.find(',');
  return comma == link.npos ? std::string_view() : link.substr(comma + 1);
}

VariableValue secure_link(Exchange& x, const VariableArg&) {
  const Conf& conf = x.conf<Conf>();
  if (conf.secret.is_set()) return link_in_path(x, *conf.secret);
  if (!conf.link.is_set() || !conf.md5.is_set()) return VariableValue::not_found();
  const std::string_view link = conf.link->evaluate(x);
  const std::string_view text = link.substr(0, link.find(','));
  std::uint64_t expires = 0;
  if (text.size() != link.size()) {
    const auto time = config::parse_number(expires_of(link), INT64_MAX);
    if (!time || *time == 0) return VariableValue::not_found();
    expires = *time;
  }
  const auto given = decode_base64(text);
  if (!given || *given != octets(net::md5(conf.md5->evaluate(x)))) return VariableValue::not_found();
  const bool is_over = expires != 0 && expires < static_cast<std::uint64_t>(std::time(nullptr));
  return {is_over ? "0" : "1"};
}

VariableValue secure_link_expires(Exchange& x, const VariableArg&) {
  const Conf& conf = x.conf<Conf>();
  if (!conf.link.is_set()) return VariableValue::not_found();
  const std::string_view expires = expires_of(conf.link->evaluate(x));
  return expires.empty() ? VariableValue::not_found() : VariableValue{expires};
}

/// The form that the innermost scope has is in force.
void finish(config::Settings& settings, Loader&) {
  const Conf& conf = settings.get<Conf>();
  if (!conf.secret.is_set() || (!conf.link.is_set() && !conf.md5.is_set())) return;
  Conf& edited = settings.edit<Conf>();
  if (conf.secret.is_set_here()) {
    edited.link = {};
    edited.md5 = {};
  } else {
    edited.secret = {};
  }
}

constexpr VariableSpec kVariables[] = {{"secure_link", getter<secure_link>}, {"secure_link_expires", getter<secure_link_expires>}};

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::link, &template_value>("secure_link", kHttpServerLocation, {1, 1}, "expression",
        "The proof that a request carries: a hash in Base64, and when it ends: `$arg_md5,$arg_expires`."),
    config::directive<&Conf::md5, &template_value>("secure_link_md5", kHttpServerLocation, {1, 1}, "expression",
        "The text whose MD5 the hash must be; a secret belongs into it."),
    config::directive<&Conf::secret, &config::text>("secure_link_secret", kLocation, {1, 1}, "word",
        "The secret of links of the form `/prefix/hash/link`."),
};

}  // namespace

extern const Feature secure_link;
const Feature secure_link{.name = "secure_link", .directives = kDirectives, .variables = kVariables, .finish = finish};

}  // namespace weir::http
