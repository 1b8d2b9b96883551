// sticky: requests of one session go to one backend, whatever method divides the others.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/exchange.h"
#include "shared/sticky.h"
#include "shared/upstream_block.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

constexpr std::size_t kOctetsPerSession = 128;
constexpr std::size_t kLeastZone = 32 * 1024;

VariableTable::Index variable_of(const Call& call, std::string_view text) {
  if (!text.starts_with('$')) call.fail(fmt::format("invalid variable name \"{}\"", text));
  return Loader::of(call).config.variables.find_or_expect(text.substr(1));
}

/// The value of `argument` if it begins with `name` (which ends in `=`) and was not given before.
std::optional<std::string> value_of(const Call& call, const std::string& argument, std::string_view name, bool given) {
  if (!argument.starts_with(name)) return std::nullopt;
  name.remove_suffix(1);
  if (given) call.fail(fmt::format("parameter \"{}\" is duplicate", name));
  if (argument.size() == name.size() + 1) call.fail(fmt::format("no value for \"{}\"", name));
  return argument.substr(name.size() + 1);
}

void set_flag(const Call& call, bool& flag, std::string_view name) {
  if (flag) call.fail(fmt::format("parameter \"{}\" is duplicate", name));
  flag = true;
}

Sticky read_cookie(const Call& call) {
  Sticky sticky;
  VariableTable& variables = Loader::of(call).config.variables;
  sticky.name = call.args[1];
  if (sticky.name.empty()) call.fail("empty cookie name");
  sticky.lookup.push_back(variable_of(call, "$cookie_" + sticky.name));
  for (const std::string& argument : call.args.subspan(2)) {
    if (const auto domain = value_of(call, argument, "domain=", !sticky.domain.is_empty_literal())) {
      sticky.domain = Template::compile(*domain, variables);
    } else if (const auto path = value_of(call, argument, "path=", !sticky.path.empty())) {
      sticky.path = *path;
    } else if (const auto expires = value_of(call, argument, "expires=", sticky.expires || sticky.expires_never)) {
      sticky.expires_never = *expires == "max";
      if (!sticky.expires_never) sticky.expires = config::parse_time_s(*expires);
      if (!sticky.expires_never && !sticky.expires) call.fail("invalid \"expires\" parameter value");
    } else if (const auto samesite = value_of(call, argument, "samesite=", !sticky.samesite.is_empty_literal())) {
      sticky.samesite = Template::compile(*samesite, variables);
      if (sticky.samesite.is_literal() && !is_samesite(*samesite)) call.fail("invalid \"samesite\" parameter value");
    } else if (argument == "httponly") {
      set_flag(call, sticky.httponly, argument);
    } else if (argument == "secure") {
      set_flag(call, sticky.secure, argument);
    } else {
      call.fail(fmt::format("unknown parameter \"{}\"", argument));
    }
  }
  return sticky;
}

Sticky read_route(const Call& call) {
  Sticky sticky;
  sticky.kind = Sticky::Kind::Route;
  for (const std::string& argument : call.args.subspan(1)) sticky.lookup.push_back(variable_of(call, argument));
  return sticky;
}

void read_zone(const Call& call, const std::string& text, Sticky& sticky) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) call.fail("zone size is not specified");
  if (colon == 0) call.fail("zone name is not specified");
  sticky.zone = text.substr(0, colon);
  const auto size = config::parse_size(text.substr(colon + 1));
  if (!size) call.fail("invalid zone size");
  if (size->count() < kLeastZone) call.fail("zone is too small");
  sticky.limits.most = size->count() / kOctetsPerSession;
  for (const auto& other : Loader::of(call).config.upstreams)
    if (other->sticky && other->sticky->zone == sticky.zone)
      call.fail(fmt::format("sticky zone \"{}\" is already used in upstream \"{}\"", sticky.zone, other->name));
}

Sticky read_learn(const Call& call) {
  Sticky sticky;
  sticky.kind = Sticky::Kind::Learn;
  bool timeout_given = false;
  for (const std::string& argument : call.args.subspan(1)) {
    if (const auto zone = value_of(call, argument, "zone=", !sticky.zone.empty())) {
      read_zone(call, *zone, sticky);
    } else if (const auto timeout = value_of(call, argument, "timeout=", timeout_given)) {
      timeout_given = true;
      const auto time = config::parse_time_ms(*timeout);
      if (!time || time->count() == 0) call.fail("invalid timeout");
      sticky.limits.timeout = *time;
    } else if (const auto create = value_of(call, argument, "create=", false)) {
      sticky.create.push_back(variable_of(call, *create));
    } else if (const auto lookup = value_of(call, argument, "lookup=", false)) {
      sticky.lookup.push_back(variable_of(call, *lookup));
    } else if (argument == "header") {
      sticky.after_head = true;
    } else {
      call.fail(fmt::format("unknown parameter \"{}\"", argument));
    }
  }
  if (sticky.lookup.empty()) call.fail("\"lookup\" parameter is not specified");
  if (sticky.create.empty()) call.fail("\"create\" parameter is not specified");
  if (sticky.zone.empty()) call.fail("\"zone\" parameter is not specified");
  return sticky;
}

void set_sticky(const Call& call) {
  UpstreamBlock& upstream = *Loader::of(call).upstream;
  if (upstream.sticky) call.fail_duplicate();
  if (call.args[0] == "cookie")
    upstream.sticky = read_cookie(call);
  else if (call.args[0] == "route")
    upstream.sticky = read_route(call);
  else if (call.args[0] == "learn")
    upstream.sticky = read_learn(call);
  else
    call.fail(fmt::format("unknown parameter \"{}\"", call.args[0]));
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("sticky", kUpstream, {2, -1}, "cookie name [parameters] | route $variable … | learn parameters",
        "Requests of one session go to one backend, named by a cookie, by the request, or learned from answers.",
        &set_sticky),
};

bool always(const config::Settings&) { return true; }

void add_cookie(Exchange& exchange, Response& response) {
  if (!exchange.sticky_cookie.empty())
    response.fields.add({"Set-Cookie", exchange.sticky_cookie, FieldId::SetCookie});
}

constexpr HeaderFilter kFilters[] = {{.enabled = always, .run = add_cookie}};

}  // namespace

extern const Feature sticky;
const Feature sticky{.name = "sticky", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
