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
    else if (line.name == "send" && line.args.size() == 1) match->send = unescaped(call, line, line.args[0]);
    else refuse(call, line);  // `require` too: a check is no request that has variables
  }
  if (match->is_of_http() && call.where == config::Stream)
    call.fail(fmt::format("match \"{}\" has tests of HTTP", match->name));
  if (match->is_of_http() && (!match->send.empty() || !match->expect.empty() || match->expected_pattern))
    call.fail(fmt::format("match \"{}\" has tests of HTTP and of TCP", match->name));
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

HealthCheck::Type type_of(const Call& call, std::string_view parameter) {
  const std::string_view type = parameter.substr(5);
  if (type == "http") return HealthCheck::Type::Http;
  if (type == "tcp") return HealthCheck::Type::Tcp;
  if (type == "tls") return HealthCheck::Type::Tls;
  call.fail(fmt::format("the parameter \"{}\" is not implemented by Weir yet; there are http, tcp and tls", parameter));
}

HealthCheck parse_check(const Call& call) {
  HealthCheck check;
  const bool is_http = allows(config::Location | config::Upstream, call.where);
  if (!is_http) check.type = HealthCheck::Type::Tcp;
  for (const std::string& parameter : call.args) {
    if (read_time(parameter, "interval=", check.interval, call) || read_time(parameter, "jitter=", check.jitter, call) ||
        read_number(parameter, "fails=", check.fails, 1'000'000, call) ||
        read_number(parameter, "passes=", check.passes, 1'000'000, call) ||
        read_number(parameter, "port=", check.port, 65'535, call))
      continue;
    if (is_http && parameter.starts_with("uri=/")) check.uri = parameter.substr(4);
    else if (parameter.starts_with("match=")) check.match_name = parameter.substr(6);
    else if (is_http && parameter.starts_with("type=")) check.type = type_of(call, parameter);
    else if (parameter == "mandatory") check.mandatory = true;
    else if (!is_http && parameter == "udp") call.fail("the parameter \"udp\" is not implemented by Weir yet; servers are asked by TCP");
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

/// Gives the check to its upstream, which may stand further down in the file.
void attach(Loader& loader, HealthCheck check, UpstreamBlock* upstream, const config::Settings& scope,
            const config::Position& at) {
  if (!upstream) {
    const PassedTo target = loader.passed_to(scope);
    upstream = target.upstream;
    check.scope = &scope;
    check.patience = target.patience;
    check.host = target.name;
    check.encrypted = target.encrypted;
  }
  if (!upstream) return loader.diagnostics.error(at, "\"health_check\" needs a \"proxy_pass\" without variables beside it");
  if (check.host.empty()) check.host = upstream->name;
  if (upstream->health_check)
    return loader.diagnostics.error(at, fmt::format("upstream \"{}\" has a \"health_check\" already", upstream->name));
  if (!check.match_name.empty()) {
    check.match = find_match(loader, check.match_name);
    if (!check.match) return loader.diagnostics.error(at, fmt::format("match \"{}\" not found", check.match_name));
    if (check.type != HealthCheck::Type::Http && check.match->is_of_http())
      return loader.diagnostics.error(
          at, fmt::format("match \"{}\" has tests of HTTP, which need \"type=http\"", check.match_name));
    if (check.type == HealthCheck::Type::Http && !check.match->is_of_http())
      return loader.diagnostics.error(at, fmt::format("match \"{}\" has no tests of HTTP", check.match_name));
  }
  upstream->health_check = std::move(check);
}

void add_check(const Call& call) {
  Loader& loader = Loader::of(call);
  HealthCheck check = parse_check(call);
  UpstreamBlock* const upstream = allows(kUpstreams, call.where) ? loader.upstream : nullptr;
  loader.afterwards([&loader, check = std::move(check), upstream, &scope = call.settings, at = call.statement.at] {
    attach(loader, check, upstream, scope, at);
  });
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("health_check", kLocation | config::StreamServer | kUpstreams, {0, -1},
        "[interval=time] [jitter=time] [fails=number] [passes=number] [uri=uri] [port=number] [match=name] "
        "[type=http | tcp | tls] [mandatory] [persistent]",
        "Asks each server of the group that proxy_pass names here (or of this group) in regular intervals, and at once "
        "when a request to it failed, whether it works.", &add_check),
    config::block("match", kProtocols, {1, 1}, "name { status …; header …; body …; send …; expect …; }",
        "What the answer to a health check must look like.", &read_match),
};

}  // namespace

extern const Directives health_check_directives;
const Directives health_check_directives = kDirectives;

}  // namespace weir::shared
