// keepalive_disable: browsers with which kept connections do not work.
#include "features/scopes.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

enum Browsers : std::uint8_t { kNone = 0, kMsie6 = 1, kSafari = 2 };

struct Conf {
  Setting<std::uint8_t> browsers{kMsie6};
};

constexpr config::EnumName<std::uint8_t> kNames[] = {{"none", kNone}, {"msie6", kMsie6}, {"safari", kSafari}};

/// `MSIE 6.0` and older. Source: nginx's documentation says old versions of MSIE; newer ones have two digits or 7 to 9.
bool is_old_msie(std::string_view agent) {
  const std::size_t at = agent.find("MSIE ");
  if (at == agent.npos || agent.size() < at + 7) return false;
  return agent[at + 5] >= '1' && agent[at + 5] <= '6' && agent[at + 6] == '.';
}

bool is_mac_safari(std::string_view agent) {
  return agent.find("Safari/") != agent.npos && agent.find("Mac OS X") != agent.npos &&
         agent.find("Chrome/") == agent.npos;
}

void judge(Exchange& exchange, Response&) {
  const std::uint8_t browsers = *exchange.conf<Conf>().browsers;
  const bool post = exchange.request.method == Method::Post;
  if (!(browsers & kSafari) && !post) return;
  const std::string_view agent = exchange.request.fields.value(FieldId::UserAgent);
  if (((browsers & kMsie6) && post && is_old_msie(agent)) || ((browsers & kSafari) && is_mac_safari(agent)))
    exchange.client().close_after_response();
}

bool enabled(const config::Settings& settings) { return *settings.get<Conf>().browsers != kNone; }

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::browsers, &config::flags<kNames>>("keepalive_disable", scopes::kHttpServerLocation,
        {1, -1}, "none | msie6 | safari …", "Which browsers get no kept connections: old MSIE after POST, or Safari."),
};
constexpr HeaderFilter kFilters[] = {{.enabled = enabled, .run = judge}};

}  // namespace

extern const Feature keepalive_disable;
const Feature keepalive_disable{.name = "keepalive_disable", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
