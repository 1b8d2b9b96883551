// health_check and match: asking servers whether they work, beside the requests.
// Source: NGINX Plus's documentation of ngx_http_upstream_hc_module for the parameters and the tests of a match block.
#include <fmt/format.h>

#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/upstream_block.h"

namespace weir::shared {

namespace {

using config::Call;
using namespace scopes;
using Matches = std::vector<std::shared_ptr<const HealthMatch>>;
using Test = HealthMatch::Test;
using Protocol = HealthCheck::Protocol;
using Encryption = HealthCheck::Encryption;

struct Conf {
  config::Setting<Matches> matches;  // of the protocol's block
};

// --- match

[[noreturn]] void refuse(const Call& call, const config::Statement& line) {
  std::string text = line.name;
  for (const std::string& word : line.args) text += " " + word;
  call.fail(fmt::format("invalid test \"{}\" in match \"{}\"", text, call.args[0]));
}

HealthMatch::Range status_range(const Call& call, const config::Statement& line, std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = config::parse_number(text.substr(0, dash), 599);
  const auto last = dash == text.npos ? first : config::parse_number(text.substr(dash + 1), 599);
  if (!first || !last || *first < 100 || *last < *first) refuse(call, line);
  return {static_cast<int>(*first), static_cast<int>(*last)};
}

void read_status(const Call& call, const config::Statement& line, HealthMatch& match) {
  std::span<const std::string> words = line.args;
  if (!match.statuses.empty()) call.fail(fmt::format("duplicate \"status\" in match \"{}\"", match.name));
  if (!words.empty() && words[0] == "!") {
    match.statuses_wanted = false;
    words = words.subspan(1);
  }
  if (words.empty()) refuse(call, line);
  for (const std::string& word : words) match.statuses.push_back(status_range(call, line, word));
}

void read_header(const Call& call, const config::Statement& line, HealthMatch& match) {
  const auto& words = line.args;
  HealthMatch::FieldTest test;
  if (words.size() == 1) {
    test.name = words[0];
  } else if (words.size() == 2 && words[0] == "!") {
    test.name = words[1];
    test.test = Test::IsMissing;
  } else if (words.size() == 3) {
    test.name = words[0];
    test.value = words[2];
    test.test = words[1] == "="    ? Test::Is
                : words[1] == "!=" ? Test::IsNot
                : words[1] == "~"  ? Test::Matches
                : words[1] == "!~" ? Test::MatchesNot
                                   : Test::Exists;
    if (test.test == Test::Exists) refuse(call, line);
    if (test.test == Test::Matches || test.test == Test::MatchesNot) test.regex = config::Regex::compile(test.value);
  } else {
    refuse(call, line);
  }
  match.fields.push_back(std::move(test));
}

void read_body(const Call& call, const config::Statement& line, HealthMatch& match) {
  if (line.args.size() != 2 || (line.args[0] != "~" && line.args[0] != "!~")) refuse(call, line);
  match.bodies.push_back({line.args[0] == "~", config::Regex::compile(line.args[1])});
}

/// `\x0d` and its like in the texts of `send` and `expect`; `\r`, `\n` and `\t` are the parser's.
std::string unescaped(const Call& call, const config::Statement& line, std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] != 'x') {
      octets += text[i];
      continue;
    }
    const std::string hex(text.substr(i + 2, 2));
    char* end = nullptr;
    const long octet = std::strtol(hex.c_str(), &end, 16);
    if (hex.size() != 2 || *end != '\0') refuse(call, line);
    octets += static_cast<char>(octet);
    i += 3;
  }
  return octets;
}

void read_expect(const Call& call, const config::Statement& line, HealthMatch& match) {
  if (line.args.size() == 1)
    match.expect = unescaped(call, line, line.args[0]);
  else if (line.args.size() == 2 && line.args[0] == "~")
    match.expected_pattern = config::Regex::compile(line.args[1]);
  else
    refuse(call, line);
}

void read_require(const Call& call, const config::Statement& line, HealthMatch& match) {
  if (line.args.empty()) refuse(call, line);
  for (const std::string& word : line.args) {
    if (!word.starts_with('$')) refuse(call, line);
    match.required.push_back(Template::compile(word, Loader::of(call).protocol.variables));
  }
}

void read_match(const Call& call) {
  auto match = std::make_shared<HealthMatch>();
  match->name = call.args[0];
  auto& known = call.settings.edit<Conf>().matches.edit();
  for (const auto& other : known)
    if (other->name == match->name) call.fail(fmt::format("duplicate match \"{}\"", match->name));
  for (const config::Statement& line : call.statement.children) {
    if (line.name == "status") read_status(call, line, *match);
    else if (line.name == "header") read_header(call, line, *match);
    else if (line.name == "body") read_body(call, line, *match);
    else if (line.name == "expect") read_expect(call, line, *match);
    else if (line.name == "require") read_require(call, line, *match);
    else if (line.name == "send" && line.args.size() == 1) match->send = unescaped(call, line, line.args[0]);
    else refuse(call, line);
  }
  if (match->is_of_http() && call.where == config::Stream)
    call.fail(fmt::format("match \"{}\" has tests of HTTP", match->name));
  if (match->is_of_http() && match->is_of_octets())
    call.fail(fmt::format("match \"{}\" has tests of HTTP and others, and there is no check that both can judge", match->name));
  known.push_back(std::move(match));
}

// --- health_check

bool read_time(std::string_view parameter, std::string_view name, std::chrono::milliseconds& into, const Call& call) {
  if (!parameter.starts_with(name)) return false;
  const auto time = config::parse_time_ms(parameter.substr(name.size()));
  if (!time) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
  into = *time;
  return true;
}

template <class T>
bool read_number(std::string_view parameter, std::string_view name, T& into, std::uint64_t max, const Call& call) {
  if (!parameter.starts_with(name)) return false;
  const auto number = config::parse_number(parameter.substr(name.size()), max);
  if (!number || *number == 0) call.fail(fmt::format("invalid parameter \"{}\"", parameter));
  into = static_cast<T>(*number);
  return true;
}

/// How servers are asked if not as proxy_pass would.
void read_type(const Call& call, std::string_view parameter, bool is_http, HealthCheck& check) {
  struct Type {
    std::string_view name;
    Protocol protocol;
    Encryption encryption;
  };
  constexpr Type kTypes[] = {{"http", Protocol::Http, Encryption::No},
                             {"https", Protocol::Http, Encryption::Yes},
                             {"tcp", Protocol::Tcp, Encryption::No},
                             {"tls", Protocol::Tcp, Encryption::Yes}};
  for (const Type& type : kTypes) {
    if (parameter.substr(5) != type.name || (!is_http && type.protocol == Protocol::Http)) continue;
    check.protocol = type.protocol;
    check.encryption = type.encryption;
    return;
  }
  call.fail(fmt::format("the parameter \"{}\" is none of Weir's; there are {}tcp and tls", parameter,
                        is_http ? "http, https, " : ""));
}

HealthCheck parse_check(const Call& call) {
  HealthCheck check;
  const bool is_http = allows(config::Location | config::Upstream, call.where);
  if (!is_http) check.protocol = Protocol::Tcp;
  for (const std::string& parameter : call.args) {
    if (read_time(parameter, "interval=", check.interval, call) || read_time(parameter, "jitter=", check.jitter, call) ||
        read_number(parameter, "fails=", check.fails, 1'000'000, call) ||
        read_number(parameter, "passes=", check.passes, 1'000'000, call) ||
        read_number(parameter, "port=", check.port, 65'535, call))
      continue;
    if (is_http && parameter.starts_with("uri=/")) check.uri = parameter.substr(4);
    else if (parameter.starts_with("match=")) check.match_name = parameter.substr(6);
    else if (parameter.starts_with("type=")) read_type(call, parameter, is_http, check);
    else if (parameter == "mandatory") check.mandatory = true;
    else if (!is_http && parameter == "udp") check.protocol = Protocol::Udp, check.encryption = Encryption::No;
    else if (parameter == "persistent") call.notice("\"persistent\" has no effect: what is known of a server outlives every reload");
    else if (parameter.starts_with("keepalive_time=")) call.notice("\"keepalive_time\" has no effect: each check uses a connection of its own");
    else call.fail(fmt::format("invalid parameter \"{}\"", parameter));
  }
  for (const char c : check.uri)
    if (c <= ' ' || c == 0x7f) call.fail(fmt::format("invalid uri \"{}\"", check.uri));
  if (check.interval < std::chrono::milliseconds(10)) call.fail("\"interval\" must be at least 10ms");
  return check;
}

std::shared_ptr<const HealthMatch> find_match(const Loader& loader, const std::string& name) {
  for (const auto& match : *loader.protocol.settings.get<Conf>().matches)
    if (match->name == name) return match;
  return nullptr;
}

/// Gives the check to its upstream: `upstream`, where it stands, or else the one that is passed to beside it in `scope`.
void attach(Loader& loader, HealthCheck check, UpstreamBlock* upstream, const config::Settings& scope,
            const config::Position& at) {
  check.scope = upstream ? upstream->passed_from : &scope;
  if (check.scope) {
    const PassedTo target = loader.passed_to(*check.scope);
    if (!upstream) upstream = target.upstream;
    check.patience = target.patience;
    check.encrypts = target.encrypts;
    check.host = target.name;
  }
  if (!upstream) return loader.diagnostics.error(at, "\"health_check\" needs a \"proxy_pass\" without variables beside it");
  if (check.host.empty()) check.host = upstream->name;
  if (!check.match_name.empty()) {
    check.match = find_match(loader, check.match_name);
    if (!check.match) return loader.diagnostics.error(at, fmt::format("match \"{}\" not found", check.match_name));
    if (check.protocol != Protocol::Http && check.match->is_of_http())
      return loader.diagnostics.error(
          at, fmt::format("match \"{}\" has tests of HTTP, which need a check of \"type=http\" or \"https\"", check.match_name));
    if (check.protocol == Protocol::Http && !check.match->is_of_http())
      return loader.diagnostics.error(at, fmt::format("match \"{}\" has no tests of HTTP", check.match_name));
  }
  upstream->health_checks.push_back(std::move(check));
}

void add_check(const Call& call) {
  Loader& loader = Loader::of(call);
  HealthCheck check = parse_check(call);
  UpstreamBlock* const upstream = allows(kUpstreams, call.where) ? loader.upstream : nullptr;
  loader.afterwards([&loader, check = std::move(check), upstream, &scope = call.settings, at = call.statement.at] {
    // Once more: every proxy_pass has to know its upstream before.
    loader.afterwards([&loader, check, upstream, &scope, at] { attach(loader, check, upstream, scope, at); });
  });
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("health_check", kLocation | config::StreamServer | kUpstreams, {0, -1},
        "[interval=time] [jitter=time] [fails=number] [passes=number] [uri=uri] [port=number] [match=name] "
        "[type=http | https | tcp | tls] [udp] [mandatory] [persistent]",
        "Asks each server of the group that proxy_pass names here (or of this group) in regular intervals, and at once "
        "when a request to it failed, whether it works.", &add_check),
    config::directive<&HealthCheckConf::timeout, &config::time_ms>("health_check_timeout",
        config::Stream | config::StreamServer, {1, 1}, "time", "How long a health check may wait for an answer."),
    config::block("match", kProtocols, {1, 1}, "name { status …; header …; body …; require …; send …; expect …; }",
        "What the answer to a health check must look like.", &read_match),
};

}  // namespace

extern const Directives health_check_directives;
const Directives health_check_directives = kDirectives;

}  // namespace weir::shared
