// expires: how long clients and caches may keep a response.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "features/scopes.h"
#include "http/date.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

struct Lifetime {
  enum class Kind : std::uint8_t { Off, Epoch, Max, FromNow, FromModification, TimeOfDay } kind = Kind::Off;
  std::int64_t seconds = 0;
};

struct Expires {
  Lifetime fixed;
  Template variable;  // not empty: `fixed` is to be read from it
  bool modified = false;
};

struct Conf {
  Setting<Expires> expires;
};

/// Reads the last argument. Nothing if it is none.
std::optional<Lifetime> parse_lifetime(std::string_view text, bool modified) {
  using Kind = Lifetime::Kind;
  if (!modified) {
    if (text == "off") return Lifetime{Kind::Off};
    if (text == "epoch") return Lifetime{Kind::Epoch};
    if (text == "max") return Lifetime{Kind::Max};
    if (text.starts_with('@')) {
      const auto time = config::parse_time_s(text.substr(1));
      if (!time || time->count() > 24 * 60 * 60) return std::nullopt;
      return Lifetime{Kind::TimeOfDay, time->count()};
    }
  }
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto time = config::parse_time_s(text);
  if (!time) return std::nullopt;
  return Lifetime{modified ? Kind::FromModification : Kind::FromNow, negative ? -time->count() : time->count()};
}

Expires parse_expires(const Call& call) {
  Expires expires;
  expires.modified = call.args.size() == 2;
  if (expires.modified && call.args[0] != "modified") call.fail_value(call.args[0], "\"modified\"");
  Template text = Template::compile(call.args.back(), Loader::of(call).config.variables);
  if (!text.is_literal()) {
    expires.variable = std::move(text);
    return expires;
  }
  const auto lifetime = parse_lifetime(call.args.back(), expires.modified);
  if (!lifetime) call.fail_value(call.args.back());
  expires.fixed = *lifetime;
  return expires;
}

/// The next time the local clock shows `seconds` after midnight.
std::time_t next_time_of_day(std::time_t now, std::int64_t seconds) {
  std::tm day;
  localtime_r(&now, &day);
  day.tm_hour = static_cast<int>(seconds / 3600);
  day.tm_min = static_cast<int>(seconds / 60 % 60);
  day.tm_sec = static_cast<int>(seconds % 60);
  day.tm_isdst = -1;
  const std::time_t today = std::mktime(&day);
  return today > now ? today : today + 24 * 60 * 60;
}

// The statuses it is for. Source: nginx's documentation of `expires`.
constexpr int kStatuses[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};

void set(Response& response, std::string_view expires, std::string_view cache_control) {
  response.fields.remove(FieldId::Expires);
  response.fields.remove(FieldId::CacheControl);
  response.fields.add({"Expires", expires, FieldId::Expires});
  response.fields.add({"Cache-Control", cache_control, FieldId::CacheControl});
}

void add_expires(Exchange& exchange, Response& response) {
  if (std::find(std::begin(kStatuses), std::end(kStatuses), response.status) == std::end(kStatuses)) return;
  const Expires& expires = *exchange.conf<Conf>().expires;
  Lifetime lifetime = expires.fixed;
  if (!expires.variable.source().empty())
    lifetime = parse_lifetime(expires.variable.evaluate(exchange), expires.modified).value_or(Lifetime{});

  const std::time_t now = std::time(nullptr);
  std::time_t until = now + lifetime.seconds;
  switch (lifetime.kind) {
    case Lifetime::Kind::Off: return;
    case Lifetime::Kind::Epoch: return set(response, "Thu, 01 Jan 1970 00:00:01 GMT", "no-cache");
    case Lifetime::Kind::Max: return set(response, "Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000");
    case Lifetime::Kind::FromNow: break;
    case Lifetime::Kind::FromModification:
      if (const std::time_t modified = parse_http_date(response.last_modified); modified != -1)
        until = modified + lifetime.seconds;
      break;
    case Lifetime::Kind::TimeOfDay: until = next_time_of_day(now, lifetime.seconds); break;
  }
  const bool stale = lifetime.seconds < 0 || until < now;
  set(response, exchange.keep(http_date(until)),
      stale ? "no-cache" : exchange.keep(fmt::format("max-age={}", until - now)));
}

bool enabled(const config::Settings& settings) { return settings.get<Conf>().expires.is_set(); }

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::expires, &parse_expires>("expires", kWithIf, {1, 2},
        "[modified] time | epoch | max | off", "Sets Expires and Cache-Control."),
};
constexpr HeaderFilter kFilters[] = {{.enabled = enabled, .run = add_expires}};

}  // namespace

extern const Feature expires;
const Feature expires{.name = "expires", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
