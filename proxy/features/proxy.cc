// proxy: pass requests to backends.
#include <fmt/format.h>

#include "features/scopes.h"
#include "shared/address.h"
#include "http/forward.h"
#include "shared/lower.h"
#include "http/proxy_conf.h"

namespace weir::http {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using config::repeated;
using namespace scopes;

// --- proxy_pass

void set_pass(const Call& call) {
  Loader& loader = Loader::of(call);
  ProxyConf& conf = call.settings.edit<ProxyConf>();
  if (conf.pass.is_set_here()) call.fail_duplicate();
  const std::string& url = call.args[0];
  ProxyTarget target;
  if (url.find('$') != url.npos) {
    target.address = Template::compile(url, loader.config.variables);
    conf.pass.set(std::move(target));
    return;
  }
  const bool encrypted = url.starts_with("https://");
  if (!encrypted && !url.starts_with("http://")) call.fail("invalid URL prefix");
  if (encrypted) target.scheme = "https";
  const std::string_view rest = std::string_view(url).substr(encrypted ? 8 : 7);
  std::size_t path = rest.find_first_of("/?");
  if (rest.starts_with("unix:")) {
    const std::size_t colon = rest.find(':', 5);
    path = colon == rest.npos ? rest.npos : colon + 1;
  }
  std::string host(rest.substr(0, path));
  if (host.ends_with(':')) host.pop_back();
  target.has_uri = path != rest.npos && path < rest.size();
  if (target.has_uri) target.uri = rest.substr(path);
  const HostPort parsed = parse_host_port(host, encrypted ? 443 : 80);
  target.host_and_port = parsed.is_unix() ? "localhost" : host;

  const Location& location = *loader.location;
  const bool fixed_prefix = location.match == Location::Match::Prefix || location.match == Location::Match::Exact ||
                            location.match == Location::Match::FinalPrefix;
  if (target.has_uri && !fixed_prefix)
    call.fail("\"proxy_pass\" cannot have URI part in location given by regular expression, or inside named location, "
              "or inside \"if\" statement, or inside \"limit_except\" block");
  if (fixed_prefix) target.prefix = location.name;
  // The upstream may be defined further down.
  conf.pass.set(std::move(target));
  loader.afterwards([&loader, &settings = call.settings, host, encrypted, at = call.statement.at] {
    const UpstreamBlock* const known = loader.config.find_upstream(host);
    // A host without a port is another address for https than for http.
    const bool needs_port = encrypted && (!known || known->is_implicit) && !host.starts_with("unix:") &&
                            parse_host_port(host, 0).port == 0;
    UpstreamBlock& upstream = loader.upstream_for(needs_port ? host + ":443" : host, 80, settings, at);
    ProxyTarget resolved = *settings.get<ProxyConf>().pass;
    resolved.upstream = &upstream;
    settings.edit<ProxyConf>().pass.set(std::move(resolved));
  });
}

// --- fields

HeaderAssignment parse_set_header(const Call& call) {
  return {call.args[0], field_id(call.args[0]), Template::compile(call.args[1], Loader::of(call).config.variables)};
}

constexpr FieldSet kHiddenByDefault{FieldId::Date,            FieldId::Server,         FieldId::XPad,
                                    FieldId::XAccelExpires,   FieldId::XAccelRedirect, FieldId::XAccelLimitRate,
                                    FieldId::XAccelBuffering, FieldId::XAccelCharset};

/// `given` and, for fields that are not among them, Weir's own defaults.
std::shared_ptr<const RequestFields> plan_fields(const ProxyConf& conf, VariableTable& variables) {
  auto plan = std::make_shared<RequestFields>();
  plan->set = *conf.set_header;
  const auto is_given = [&](FieldId id) {
    return std::any_of(conf.set_header->begin(), conf.set_header->end(),
                       [id](const HeaderAssignment& assignment) { return assignment.id == id; });
  };
  if (!is_given(FieldId::Connection) && *conf.http_version == Version::Http10)
    plan->set.insert(plan->set.begin(), {"Connection", FieldId::Connection, Template::literal("close")});
  if (!is_given(FieldId::Host))
    plan->set.insert(plan->set.begin(), {"Host", FieldId::Host, Template::compile("$proxy_host", variables)});
  for (const HeaderAssignment& assignment : plan->set) {
    if (assignment.id == FieldId::Other)
      plan->other_skipped.push_back(lower(assignment.name));
    else
      plan->known_skipped.add(assignment.id);
  }
  // The framing is written anew; `Expect` was answered here.
  for (const FieldId id : {FieldId::ContentLength, FieldId::Expect}) plan->known_skipped.add(id);
  // A Content-Length or Transfer-Encoding of the configuration cannot describe the body that is sent.
  std::erase_if(plan->set, [](const HeaderAssignment& assignment) {
    return assignment.id == FieldId::ContentLength || assignment.id == FieldId::TransferEncoding;
  });
  return plan;
}

void plan_hidden(ProxyConf& conf) {
  conf.hidden = kHiddenByDefault;
  conf.hidden_others.clear();
  for (const std::string& name : *conf.hide_header) {
    if (const FieldId id = field_id(name); id != FieldId::Other)
      conf.hidden.add(id);
    else
      conf.hidden_others.push_back(lower(name));
  }
  for (const std::string& name : *conf.pass_header) {
    if (const FieldId id = field_id(name); id != FieldId::Other)
      conf.hidden.remove(id);
    else
      std::erase(conf.hidden_others, lower(name));
  }
}

// --- proxy_redirect

void add_redirect(const Call& call) {
  Loader& loader = Loader::of(call);
  ProxyConf& conf = call.settings.edit<ProxyConf>();
  if (!conf.redirects_by_default.is_set_here()) conf.redirects_by_default.set(false);
  std::vector<ProxyRedirect>& rules = conf.redirect.edit();
  if (call.args.size() == 1) {
    if (call.args[0] == "off") return;
    if (call.args[0] != "default") call.fail_value(call.args[0], "\"off\", \"default\" or two values");
    const Location* const location = loader.location;
    if (location && !conf.pass.is_set_here() && location->match != Location::Match::Server)
      call.fail("\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive");
    if (location && !conf.pass->address.source().empty())
      call.fail("\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables");
    conf.redirects_by_default.set(true);
    return;
  }
  ProxyRedirect rule;
  const std::string& from = call.args[0];
  if (from.starts_with('~')) {
    const bool caseless = from.starts_with("~*");
    rule.regex = loader.compile_regex(std::string_view(from).substr(caseless ? 2 : 1),
                                      caseless ? config::Regex::Case::Insensitive : config::Regex::Case::Sensitive);
  } else {
    rule.from = Template::compile(from, loader.config.variables);
  }
  rule.to = Template::compile(call.args[1], loader.config.variables);
  rules.push_back(std::move(rule));
}

/// The rules in force: what `proxy_redirect default` stands for (the backend's own URL becomes the location's prefix),
/// then those of the configuration.
void plan_redirects(ProxyConf& conf, const Location& location) {
  conf.redirects = *conf.redirect;
  const ProxyTarget& pass = *conf.pass;
  if (!*conf.redirects_by_default || !pass.upstream || location.match == Location::Match::Regex ||
      location.match == Location::Match::Named)
    return;
  ProxyRedirect rule;
  rule.from = Template::literal(pass.scheme + "://" + pass.host_and_port + (pass.has_uri ? pass.uri : "/"));
  rule.to = Template::literal(pass.has_uri && pass.prefix.starts_with('/') ? pass.prefix : "/");
  conf.redirects.insert(conf.redirects.begin(), std::move(rule));
}

// --- cookies

template <Setting<std::vector<CookieRewrite>> ProxyConf::*Member, bool OfDomain>
void add_cookie_rewrite(const Call& call) {
  Loader& loader = Loader::of(call);
  std::vector<CookieRewrite>& rules = (call.settings.edit<ProxyConf>().*Member).edit();
  if (call.args.size() == 1) {
    if (call.args[0] != "off") call.fail(fmt::format("invalid parameter \"{}\"", call.args[0]));
    return;
  }
  std::string_view from = call.args[0];
  CookieRewrite rule;
  if (from.starts_with('~')) {
    const bool caseless = OfDomain || from.starts_with("~*");
    rule.regex = loader.compile_regex(from.substr(from.starts_with("~*") ? 2 : 1),
                                      caseless ? config::Regex::Case::Insensitive : config::Regex::Case::Sensitive);
  } else {
    if (OfDomain && from.starts_with('.')) from.remove_prefix(1);
    rule.from = Template::compile(from, loader.config.variables);
  }
  std::string_view to = call.args[1];
  if (OfDomain && !rule.regex && to.starts_with('.')) to.remove_prefix(1);
  rule.to = Template::compile(to, loader.config.variables);
  rules.push_back(std::move(rule));
}

void add_cookie_flags(const Call& call) {
  Loader& loader = Loader::of(call);
  std::vector<CookieFlags>& rules = call.settings.edit<ProxyConf>().cookie_flags.edit();
  if (call.args.size() == 1) {
    if (call.args[0] != "off") call.fail(fmt::format("invalid parameter \"{}\"", call.args[0]));
    return;
  }
  CookieFlags rule;
  const std::string_view name = call.args[0];
  if (name.starts_with('~'))
    rule.regex = loader.compile_regex(name.substr(1), config::Regex::Case::Insensitive);
  else
    rule.name = Template::compile(name, loader.config.variables);
  for (const std::string& flag : call.args.subspan(1)) {
    rule.flags.push_back(Template::compile(flag, loader.config.variables));
    if (rule.flags.back().is_literal() && !is_cookie_flag(flag))
      call.warn(fmt::format("\"{}\" is no flag of a cookie: it has no effect", flag));
  }
  rules.push_back(std::move(rule));
}

// --- other values

ProxyBind parse_bind(const Call& call) {
  ProxyBind bind;
  if (call.args[0] == "off") {
    if (call.args.size() > 1) call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
    return bind;
  }
  bind.address = template_value(call);
  if (call.args.size() > 1) {
    if (call.args[1] != "transparent") call.fail(fmt::format("invalid parameter \"{}\"", call.args[1]));
    bind.transparent = true;
  }
  if (bind.address.is_literal() && !net::Endpoint::parse(call.args[0]) && !net::Endpoint::from_address(call.args[0], 0))
    call.fail(fmt::format("invalid address \"{}\"", call.args[0]));
  return bind;
}

std::optional<Template> optional_template(const Call& call) { return template_value(call); }

std::vector<Template> templates(const Call& call) {
  std::vector<Template> all;
  for (const std::string& text : call.args) all.push_back(Template::compile(text, Loader::of(call).config.variables));
  return all;
}

Template size_or_variables(const Call& call) {
  Template value = template_value(call);
  if (value.is_literal()) config::size(call);
  return value;
}

std::string temp_path(const Call& call) { return Loader::of(call).full_path(call.args[0]); }

config::BufferSizes two_buffers_or_more(const Call& call) {
  const config::BufferSizes sizes = config::buffers(call);
  if (sizes.count < 2) call.fail("there must be at least 2 \"proxy_buffers\"");
  return sizes;
}

// --- putting it together

/// `if` and `limit_except` blocks without a proxy_pass of their own use that of the location around them.
void take_outer_pass(config::Settings& settings, const Location& location) {
  const ProxyConf& conf = settings.get<ProxyConf>();
  const bool has_no_name = location.match == Location::Match::If || location.match == Location::Match::LimitExcept;
  if (has_no_name && !conf.pass->is_set() && conf.outer_pass->is_set())
    settings.edit<ProxyConf>().pass.set(*conf.outer_pass);
  if (settings.get<ProxyConf>().pass->is_set() || settings.get<ProxyConf>().outer_pass->is_set()) {
    ProxyConf& edited = settings.edit<ProxyConf>();
    edited.outer_pass.set(*edited.pass);
  }
}

void finish(config::Settings& settings, Loader& loader) {
  Location& location = *loader.location;
  take_outer_pass(settings, location);
  if (!settings.get<ProxyConf>().pass->is_set()) return;
  ProxyConf& conf = settings.edit<ProxyConf>();
  conf.request_fields = plan_fields(conf, loader.config.variables);
  plan_hidden(conf);
  plan_redirects(conf, location);
  if (!conf.temp_path.is_set()) conf.temp_path.set(loader.full_path(*conf.temp_path));
  const bool is_plain = location.match == Location::Match::Prefix || location.match == Location::Match::FinalPrefix ||
                        location.match == Location::Match::Exact;
  if (is_plain && location.name.size() > 1 && location.name.ends_with('/')) location.redirects_to_slash = true;
}

bool is_proxied(const config::Settings& settings) { return settings.get<ProxyConf>().pass->is_set(); }

constexpr config::EnumName<std::uint32_t> kConditions[] = {
    {"error", condition::kError},
    {"timeout", condition::kTimeout},
    {"invalid_header", condition::kInvalidHeader},
    {"http_500", condition::kHttp500},
    {"http_502", condition::kHttp502},
    {"http_503", condition::kHttp503},
    {"http_504", condition::kHttp504},
    {"http_403", condition::kHttp403},
    {"http_404", condition::kHttp404},
    {"http_429", condition::kHttp429},
    {"non_idempotent", condition::kNonIdempotent},
    {"updating", condition::kUpdating},
    {"denied", condition::kDenied},
    {"off", condition::kOff},
};
constexpr config::EnumName<bool> kAmbiguous[] = {{"refuse", true}, {"pass", false}};
constexpr config::EnumName<Version> kVersions[] = {{"1.0", Version::Http10}, {"1.1", Version::Http11}};

constexpr config::EnumName<std::uint32_t> kIgnored[] = {
    {"X-Accel-Redirect", ignored::kAccelRedirect},
    {"X-Accel-Expires", ignored::kAccelExpires},
    {"X-Accel-Limit-Rate", ignored::kAccelLimitRate},
    {"X-Accel-Buffering", ignored::kAccelBuffering},
    {"X-Accel-Charset", ignored::kAccelCharset},
    {"Expires", ignored::kExpires},
    {"Cache-Control", ignored::kCacheControl},
    {"Set-Cookie", ignored::kSetCookie},
    {"Vary", ignored::kVary},
};

std::uint64_t count(const Call& call) { return config::number(call); }

constexpr DirectiveSpec kDirectives[] = {
    config::custom("proxy_pass", kLocation | config::LocationIf | config::LimitExcept, {1, 1}, "URL",
        "Where requests are passed to: an upstream, or an address.", &set_pass, false,
        &config::inherit_members<&ProxyConf::outer_pass>),
    repeated<&ProxyConf::set_header, &parse_set_header>("proxy_set_header", kHttpServerLocation, {2, 2}, "field value",
        "Sets a field of the request to the backend; an empty value leaves it out."),
    repeated<&ProxyConf::hide_header, &config::text>("proxy_hide_header", kHttpServerLocation, {1, 1}, "field",
        "Keeps a field of the response from the client."),
    repeated<&ProxyConf::pass_header, &config::text>("proxy_pass_header", kHttpServerLocation, {1, 1}, "field",
        "Passes a field that would be kept back."),
    directive<&ProxyConf::http_version, &config::an_enum<kVersions>>("proxy_http_version", kHttpServerLocation, {1, 1},
        "1.0 | 1.1", "The version spoken to backends."),
    directive<&ProxyConf::refuse_ambiguous_target, &config::an_enum<kAmbiguous>>("proxy_ambiguous_target",
        kHttpServerLocation, {1, 1}, "refuse | pass",
        "Whether requests are refused whose target backends may take for another location's: with a `\\`, with dot "
        "segments hidden by `;` or `%5C`, with escaped separators that lead elsewhere, or with a fragment."),
    directive<&ProxyConf::connect_timeout, &config::time_ms>("proxy_connect_timeout", kHttpServerLocation, {1, 1},
        "time", "How long connecting to a backend may take."),
    directive<&ProxyConf::send_timeout, &config::time_ms>("proxy_send_timeout", kHttpServerLocation, {1, 1}, "time",
        "How long a backend may take to read anything of a request."),
    directive<&ProxyConf::read_timeout, &config::time_ms>("proxy_read_timeout", kHttpServerLocation, {1, 1}, "time",
        "How long a backend may pause before and within a response."),
    directive<&ProxyConf::next_upstream, &config::flags<kConditions>>("proxy_next_upstream", kHttpServerLocation,
        {1, -1}, "error | timeout | invalid_header | http_500 | … | non_idempotent | off …",
        "When a request is given to another backend."),
    directive<&ProxyConf::next_upstream_tries, &count>("proxy_next_upstream_tries", kHttpServerLocation, {1, 1},
        "number", "How many backends one request may try; 0: all."),
    directive<&ProxyConf::next_upstream_timeout, &config::time_ms>("proxy_next_upstream_timeout", kHttpServerLocation,
        {1, 1}, "time", "For how long another backend may be tried; 0: without limit."),
    directive<&ProxyConf::buffering, &config::on_off>("proxy_buffering", kHttpServerLocation, {1, 1}, "on | off",
        "Whether responses may be held back a little: small ones until they are whole, so that a cut one can be asked "
        "for again."),
    directive<&ProxyConf::request_buffering, &config::on_off>("proxy_request_buffering", kHttpServerLocation, {1, 1},
        "on | off", "Whether a request's body is read whole before a backend is asked."),
    directive<&ProxyConf::buffer_size, &config::size>("proxy_buffer_size", kHttpServerLocation, {1, 1}, "size",
        "How large the head of a response may be; 32k unless given."),
    directive<&ProxyConf::ignore_client_abort, &config::on_off>("proxy_ignore_client_abort", kHttpServerLocation,
        {1, 1}, "on | off", "Whether a request goes on when its client is gone."),
    directive<&ProxyConf::intercept_errors, &config::on_off>("proxy_intercept_errors", kHttpServerLocation, {1, 1},
        "on | off", "Whether error_page applies to responses of backends."),
    directive<&ProxyConf::pass_request_headers, &config::on_off>("proxy_pass_request_headers", kHttpServerLocation,
        {1, 1}, "on | off", "Whether the client's fields are passed on."),
    directive<&ProxyConf::pass_request_body, &config::on_off>("proxy_pass_request_body", kHttpServerLocation, {1, 1},
        "on | off", "Whether the client's body is passed on."),
    directive<&ProxyConf::socket_keepalive, &config::on_off>("proxy_socket_keepalive", kHttpServerLocation, {1, 1},
        "on | off", "Whether the system probes idle connections to backends."),
    config::custom("proxy_redirect", kHttpServerLocation, {1, 2}, "default | off | redirect replacement",
        "How Location and Refresh of a response are changed.", &add_redirect, false,
        &config::inherit_members<&ProxyConf::redirect, &ProxyConf::redirects_by_default>),
    config::custom("proxy_cookie_domain", kHttpServerLocation, {1, 2}, "off | domain replacement",
        "How the domain of cookies is changed.", &add_cookie_rewrite<&ProxyConf::cookie_domain, true>, false,
        &config::inherit_members<&ProxyConf::cookie_domain>),
    config::custom("proxy_cookie_path", kHttpServerLocation, {1, 2}, "off | path replacement",
        "How the path of cookies is changed.", &add_cookie_rewrite<&ProxyConf::cookie_path, false>, false,
        &config::inherit_members<&ProxyConf::cookie_path>),
    config::custom("proxy_cookie_flags", kHttpServerLocation, {1, 4}, "off | cookie [flag …]",
        "Flags given to or taken from cookies: secure, httponly, samesite=…, and no….", &add_cookie_flags, false,
        &config::inherit_members<&ProxyConf::cookie_flags>),
    directive<&ProxyConf::bind, &parse_bind>("proxy_bind", kHttpServerLocation, {1, 2}, "address [transparent] | off",
        "The address that connections to backends come from."),
    directive<&ProxyConf::method, &template_value>("proxy_method", kHttpServerLocation, {1, 1}, "method",
        "The method of requests to backends, in place of the client's."),
    directive<&ProxyConf::set_body, &optional_template>("proxy_set_body", kHttpServerLocation, {1, 1}, "value",
        "The body of requests to backends, in place of the client's."),
    directive<&ProxyConf::ignore_headers, &config::flags<kIgnored>>("proxy_ignore_headers", kHttpServerLocation, {1, -1},
        "field …", "Fields of a response that have no effect here."),
    directive<&ProxyConf::early_hints, &templates>("early_hints", kHttpServerLocation, {1, -1}, "string …",
        "Passes 103 (Early Hints) on if one of the strings is neither empty nor \"0\". Unless given they are passed on, "
        "like all interim responses."),
    directive<&ProxyConf::pass_trailers, &config::on_off>("proxy_pass_trailers", kHttpServerLocation, {1, 1}, "on | off",
        "Whether fields that follow a response's body are passed on."),
    directive<&ProxyConf::buffers, &two_buffers_or_more>("proxy_buffers", kHttpServerLocation, {2, 2}, "number size",
        "How much of a response is read ahead of a slow client into memory: number times size."),
    directive<&ProxyConf::max_temp_file_size, &config::size>("proxy_max_temp_file_size", kHttpServerLocation, {1, 1},
        "size", "How much more into a temporary file; 0: nothing."),
    directive<&ProxyConf::temp_path, &temp_path>("proxy_temp_path", kHttpServerLocation, {1, 4},
        "path [level1 [level2 [level3]]]", "Where these files are. Levels have no effect: the files have no names."),
    directive<&ProxyConf::busy_buffers_size, &config::size>("proxy_busy_buffers_size", kHttpServerLocation, {1, 1},
        "size", "How much may be under way to the client.")
        .accepted("what was read is sent at once, whatever its size"),
    directive<&ProxyConf::temp_file_write_size, &config::size>("proxy_temp_file_write_size", kHttpServerLocation, {1, 1},
        "size", "How much is written to a temporary file at once.")
        .accepted("what was read is written at once"),
    directive<&ProxyConf::limit_rate, &size_or_variables>("proxy_limit_rate", kHttpServerLocation, {1, 1}, "rate",
        "Octets a second that are read of a buffered response; 0: as many as come."),
    config::custom("proxy_force_ranges", kHttpServerLocation, {1, 1}, "on | off",
        "Whether parts of responses are cut out here.", [](const Call& call) { config::on_off(call); })
        .degraded("requests for parts of a resource are answered by the backend, if it can"),
    config::custom("proxy_headers_hash_max_size", kHttpServerLocation, {1, 1}, "size", "Size of a table.",
        [](const Call& call) { config::number(call); })
        .accepted("tables grow as needed"),
};

// --- variables

VariableValue request_body_file(Exchange& exchange, const VariableArg&) {
  const std::string_view path = exchange.body.file_name();
  return path.empty() ? VariableValue::not_found() : VariableValue{path};
}

VariableValue upstream_trailer(Exchange& exchange, const VariableArg& arg) {
  if (!exchange.upstream_trailers) return VariableValue::not_found();
  for (const Field& field : *exchange.upstream_trailers) {
    std::string name = lower(field.name);
    std::replace(name.begin(), name.end(), '-', '_');
    if (name == arg.suffix) return {field.value};
  }
  return VariableValue::not_found();
}

constexpr VariableSpec kVariables[] = {
    {"request_body_file", getter<request_body_file>},
    {"upstream_trailer_*", getter<upstream_trailer>},
};

constexpr PhaseHandler kHandlers[] = {
    {.phase = Phase::Content, .enabled = is_proxied, .run_async = forward, .decides = true}};

}  // namespace

extern const Feature proxy;
const Feature proxy{.name = "proxy", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers, .finish = finish};

}  // namespace weir::http
