// core: servers, locations, and the settings that every location has.
#include <fmt/format.h>

#include "features/scopes.h"
#include "shared/address.h"
#include "http/core_conf.h"
#include "http/exchange.h"

namespace weir::http {

void add_listen(const config::Call& call);       // listen.cc
void add_server_names(const config::Call& call);  // server_name.cc

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using namespace scopes;

void open_server(const Call& call) {
  Loader& loader = Loader::of(call);
  auto block = std::make_unique<ServerBlock>();
  block->at = call.statement.at;
  ServerBlock& server = *block;
  loader.config.servers.push_back(std::move(block));
  {
    const Scope in_server(loader.server, &server);
    const Scope in_location(loader.location, &server.root);
    call.apply_children(config::Server, server.root.settings);
    if (server.names.empty()) server.names.push_back({ServerName::Kind::Exact, "", {}, false});
    bool listens = false;
    for (const auto& address : loader.config.listens)
      listens = listens || std::find(address->servers.begin(), address->servers.end(), &server) != address->servers.end();
    if (!listens) add_listen(call);  // without arguments: port 80
  }
}

Location::Match match_of(const Call& call, std::string& name) {
  const auto& args = call.args;
  if (args.size() == 2) {
    name = args[1];
    if (args[0] == "=") return Location::Match::Exact;
    if (args[0] == "^~") return Location::Match::FinalPrefix;
    if (args[0] == "~" || args[0] == "~*") return Location::Match::Regex;
    call.fail(fmt::format("invalid location modifier \"{}\"", args[0]));
  }
  // Modifier and name may be written together.
  const std::string& whole = args[0];
  for (const auto& [sign, match] : {std::pair{"=", Location::Match::Exact}, std::pair{"^~", Location::Match::FinalPrefix},
                                    std::pair{"~*", Location::Match::Regex}, std::pair{"~", Location::Match::Regex}}) {
    if (!whole.starts_with(sign)) continue;
    name = whole.substr(std::string_view(sign).size());
    return match;
  }
  name = whole;
  return whole.starts_with('@') ? Location::Match::Named : Location::Match::Prefix;
}

void open_location(const Call& call) {
  Loader& loader = Loader::of(call);
  auto owned = std::make_unique<Location>();
  Location& location = *owned;
  location.match = match_of(call, location.name);
  location.at = call.statement.at;

  Location& outer = *loader.location;
  if (outer.match != Location::Match::Server) {
    if (outer.match == Location::Match::Exact)
      call.fail(fmt::format("location \"{}\" cannot be inside the exact location \"{}\"", location.name, outer.name));
    if (outer.match == Location::Match::Named)
      call.fail(fmt::format("location \"{}\" cannot be inside the named location \"{}\"", location.name, outer.name));
    if (location.match == Location::Match::Named)
      call.fail(fmt::format("named location \"{}\" can be on the server level only", location.name));
    if (outer.match != Location::Match::Regex && location.match != Location::Match::Regex &&
        !location.name.starts_with(outer.name))
      call.fail(fmt::format("location \"{}\" is outside location \"{}\"", location.name, outer.name));
  }
  if (location.match == Location::Match::Regex) {
    const bool caseless = call.args[0].starts_with("~*");
    location.regex = loader.compile_regex(
        location.name, caseless ? config::Regex::Case::Insensitive : config::Regex::Case::Sensitive);
  }
  outer.nested.add(std::move(owned));
  const Scope in_location(loader.location, &location);
  call.apply_children(config::Location, location.settings);
}

constexpr config::EnumName<ServerTokens> kServerTokens[] = {
    {"on", ServerTokens::On}, {"off", ServerTokens::Off}, {"build", ServerTokens::Build}};
constexpr config::EnumName<BodyInFile> kBodyInFile[] = {
    {"off", BodyInFile::WhenLarge}, {"clean", BodyInFile::Clean}, {"on", BodyInFile::Keep}};
constexpr config::EnumName<int> kLingering[] = {{"off", 0}, {"on", 1}, {"always", 2}};

std::uint64_t count(const Call& call) { return config::number(call); }

void set_large_buffers(const Call& call) {
  const config::BufferSizes sizes = config::buffers(call);
  CoreConf& conf = call.settings.edit<CoreConf>();
  if (conf.large_buffers_size.is_set_here()) call.fail_duplicate();
  conf.large_buffers_number.set(sizes.count);
  conf.large_buffers_size.set(sizes.size);
}

void set_keepalive_timeout(const Call& call) {
  CoreConf& conf = call.settings.edit<CoreConf>();
  if (conf.keepalive_timeout.is_set_here()) call.fail_duplicate();
  conf.keepalive_timeout.set(config::time_ms(call));
  conf.keepalive_header.set(milliseconds(0));
  if (call.args.size() < 2) return;
  const auto header = config::parse_time_ms(call.args[1]);
  if (!header) call.fail_value(call.args[1], "a time");
  conf.keepalive_header.set(*header);
}

template <auto kRate, auto kWindow>
void set_rate_floor(const Call& call) {
  CoreConf& conf = call.settings.edit<CoreConf>();
  if ((conf.*kRate).is_set_here()) call.fail_duplicate();
  (conf.*kRate).set(config::size(call));
  (conf.*kWindow).set(milliseconds(30'000));
  if (call.args.size() < 2) return;
  const auto window = config::parse_time_ms(call.args[1]);
  if (!window || window->count() == 0) call.fail_value(call.args[1], "a time");
  (conf.*kWindow).set(*window);
}

std::string temp_path(const Call& call) { return Loader::of(call).full_path(call.args[0]); }

void set_internal(const Call& call) { call.settings.edit<CoreConf>().internal.set(true); }

constexpr DirectiveSpec kDirectives[] = {
    config::block("server", kHttp, {0, 0}, "{ … }", "A virtual server.", &open_server),
    config::block("location", kServer | kLocation, {1, 2}, "[ = | ~ | ~* | ^~ ] uri { … } | @name { … }",
                  "Settings for the requests whose URI matches.", &open_location),
    config::custom("listen", kServer, {1, -1}, "address[:port] | port | unix:path [parameters]",
                   "Where the server accepts connections.", &add_listen),
    config::custom("server_name", kServer, {1, -1}, "name …", "The names of a virtual server.", &add_server_names),

    directive<&CoreConf::client_header_timeout, &config::time_ms>("client_header_timeout", kHttpServer, {1, 1}, "time",
        "How long a client may take for the whole head of a request."),
    directive<&CoreConf::client_body_timeout, &config::time_ms>("client_body_timeout", kHttpServerLocation, {1, 1},
        "time", "How long a client may pause between two pieces of a request's body."),
    directive<&CoreConf::send_timeout, &config::time_ms>("send_timeout", kHttpServerLocation, {1, 1}, "time",
        "How long a client may take to read anything of a response."),
    config::custom("client_body_min_rate", kHttpServerLocation, {1, 2}, "size [time]",
        "The least that a client has to bring of a request's body in a second, on the average of `time` spent waiting for "
        "it; 1k and 30s unless given, 0: any rate will do.",
        &set_rate_floor<&CoreConf::client_body_min_rate, &CoreConf::client_body_rate_window>, false,
        &config::inherit_members<&CoreConf::client_body_min_rate, &CoreConf::client_body_rate_window>),
    config::custom("send_min_rate", kHttpServerLocation, {1, 2}, "size [time]",
        "The least that a client has to read of a response in a second, on the average of `time` spent waiting for it; "
        "1k and 30s unless given, 0: any rate will do.",
        &set_rate_floor<&CoreConf::send_min_rate, &CoreConf::send_rate_window>, false,
        &config::inherit_members<&CoreConf::send_min_rate, &CoreConf::send_rate_window>),
    config::custom("keepalive_timeout", kHttpServerLocation, {1, 2}, "timeout [header_timeout]",
        "How long a connection waits for its next request; 0 closes it after the first.", &set_keepalive_timeout, false,
        &config::inherit_members<&CoreConf::keepalive_timeout, &CoreConf::keepalive_header>),
    directive<&CoreConf::keepalive_time, &config::time_ms>("keepalive_time", kHttpServerLocation, {1, 1}, "time",
        "How long a connection may serve requests at all."),
    directive<&CoreConf::keepalive_requests, &count>("keepalive_requests", kHttpServerLocation, {1, 1}, "number",
        "How many requests one connection may bring."),
    directive<&CoreConf::lingering_time, &config::time_ms>("lingering_time", kHttpServerLocation, {1, 1}, "time",
        "How long what a client still sends is read and ignored before its connection is closed."),
    directive<&CoreConf::lingering_timeout, &config::time_ms>("lingering_timeout", kHttpServerLocation, {1, 1}, "time",
        "How long such a client may pause."),
    directive<&CoreConf::lingering_close, &config::an_enum<kLingering>>("lingering_close", kHttpServerLocation, {1, 1},
        "off | on | always", "Whether to wait for the client's end before its connection is closed."),
    directive<&CoreConf::reset_timedout_connection, &config::on_off>("reset_timedout_connection", kHttpServerLocation,
        {1, 1}, "on | off", "Whether timed-out connections are reset.")
        .accepted("a client that timed out while it was sent to is always reset"),
    config::custom("large_client_header_buffers", kHttpServer, {2, 2}, "number size",
        "Limits of a request's head: one line up to `size`, all together up to `number` times `size`.",
        &set_large_buffers, false,
        &config::inherit_members<&CoreConf::large_buffers_number, &CoreConf::large_buffers_size>),
    directive<&CoreConf::max_headers, &count>("max_headers", kHttpServer, {1, 1}, "number",
        "How many fields a request's head may have."),
    directive<&CoreConf::ignore_invalid_headers, &config::on_off>("ignore_invalid_headers", kHttpServer, {1, 1},
        "on | off", "Whether fields are left out whose names have other characters than letters, digits and hyphens."),
    directive<&CoreConf::underscores_in_headers, &config::on_off>("underscores_in_headers", kHttpServer, {1, 1},
        "on | off", "Whether `_` counts as a letter there."),
    directive<&CoreConf::merge_slashes, &config::on_off>("merge_slashes", kHttpServer, {1, 1}, "on | off",
        "Whether several slashes in a row count as one."),
    directive<&CoreConf::client_max_body_size, &config::size>("client_max_body_size", kHttpServerLocation, {1, 1},
        "size", "How large a request's body may be; 0: any size."),
    directive<&CoreConf::client_body_buffer_size, &config::size>("client_body_buffer_size", kHttpServerLocation, {1, 1},
        "size", "How much of a request's body is kept in memory before a file is used."),
    directive<&CoreConf::client_body_in_file_only, &config::an_enum<kBodyInFile>>("client_body_in_file_only",
        kHttpServerLocation, {1, 1}, "on | clean | off",
        "Whether request bodies are always written to a file: on: that stays; clean: until the request ends."),
    config::custom("client_body_in_single_buffer", kHttpServerLocation, {1, 1}, "on | off",
        "Whether a body in memory is in one piece.", [](const Call& call) { config::on_off(call); })
        .accepted("a body in memory always is in one piece"),
    directive<&CoreConf::client_body_temp_path, &temp_path>("client_body_temp_path", kHttpServerLocation, {1, 4},
        "path [level1 [level2 [level3]]]", "Where request bodies that do not fit into memory are kept. Levels have no "
        "effect: the files have no names."),
    directive<&CoreConf::server_tokens, &config::an_enum<kServerTokens>>("server_tokens", kHttpServerLocation, {1, 1},
        "on | off | build", "Whether responses name Weir's version."),
    directive<&CoreConf::chunked_transfer_encoding, &config::on_off>("chunked_transfer_encoding", kHttpServerLocation,
        {1, 1}, "on | off", "Whether bodies of unknown length are sent in chunks; off: until close."),
    directive<&CoreConf::default_type, &config::text>("default_type", kHttpServerLocation, {1, 1}, "mime-type",
        "The content type of texts and files of which nothing else is known."),
    directive<&CoreConf::absolute_redirect, &config::on_off>("absolute_redirect", kHttpServerLocation, {1, 1},
        "on | off", "Whether redirections made here name the server."),
    directive<&CoreConf::port_in_redirect, &config::on_off>("port_in_redirect", kHttpServerLocation, {1, 1}, "on | off",
        "Whether they name the port."),
    directive<&CoreConf::server_name_in_redirect, &config::on_off>("server_name_in_redirect", kHttpServerLocation,
        {1, 1}, "on | off", "Whether they use the first server_name instead of the request's host."),
    config::custom("internal", kLocation, {0, 0}, "", "Only internal redirects reach this location.", &set_internal),
};

}  // namespace

extern const Feature core;
const Feature core{.name = "core", .directives = kDirectives};

}  // namespace weir::http
