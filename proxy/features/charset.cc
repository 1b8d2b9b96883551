// charset: says in Content-Type in which charset a text is. Nothing is converted. Source: nginx's documentation of
// ngx_http_charset_module.
#include <algorithm>
#include <string>
#include <vector>

#include "features/scopes.h"
#include "http/content_type.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using namespace scopes;
using config::Call;

struct Conf {
  Setting<Template> charset;
  Setting<std::vector<std::string>> types{{"text/xml", "text/plain", "text/vnd.wap.wml", "application/javascript",
                                           "application/rss+xml"}};  // beside text/html; `*`: all
};

std::vector<std::string> media_types(const Call& call) {
  return {call.args.begin(), call.args.end()};
}

bool is_text(const Conf& conf, std::string_view content_type) {
  const std::string_view type = media_type(content_type);
  return equal_caseless(type, "text/html") || std::ranges::any_of(*conf.types, [&](const std::string& each) {
           return each == "*" || equal_caseless(each, type);
         });
}

void add_charset(Exchange& exchange, Response& response) {
  const Conf& conf = exchange.conf<Conf>();
  const std::string_view type = response.content_type;
  if (type.empty() || response.status == 301 || response.status == 302 || !is_text(conf, type)) return;
  if (find_charset(type) != type.npos) return;
  const std::string_view charset = conf.charset->evaluate(exchange);
  if (!charset.empty()) response.content_type = exchange.concat({type, "; charset=", charset});
}

bool enabled(const config::Settings& settings) {
  const Setting<Template>& charset = settings.get<Conf>().charset;
  return charset.is_set() && charset->source() != "off";
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::charset, &shared::template_value>("charset", kWithIf, {1, 1}, "charset | off",
        "The charset that Content-Type names. Texts are not converted."),
    config::directive<&Conf::types, &media_types>("charset_types", kHttpServerLocation, {1, -1}, "mime-type … | *",
        "The types for which it is named, beside text/html."),
};
constexpr HeaderFilter kFilters[] = {{.enabled = enabled, .run = add_charset}};

}  // namespace

extern const Feature charset;
const Feature charset{.name = "charset", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
