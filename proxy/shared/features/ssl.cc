// ssl: TLS towards clients. What OpenSSL does with it is in net/tls_server.h.
#include <fmt/format.h>

#include <algorithm>

#include "net/tls_keeper.h"
#include "net/tls_server.h"
#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/features/ssl_values.h"
#include "shared/resolver_conf.h"
#include "shared/tls_conf.h"

namespace weir::shared {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;
using config::repeated;
using net::TlsVerify;
using namespace scopes;
using namespace ssl_values;

constexpr auto kServers = kHttpServer | kStreamAndServer;

// --- values

constexpr config::EnumName<TlsVerify> kVerify[] = {
    {"off", TlsVerify::Off},
    {"on", TlsVerify::On},
    {"optional", TlsVerify::Optional},
    {"optional_no_ca", TlsVerify::OptionalNoCa},
};

constexpr config::EnumName<net::TlsOcsp> kOcsp[] = {
    {"off", net::TlsOcsp::Off}, {"on", net::TlsOcsp::Chain}, {"leaf", net::TlsOcsp::Leaf}};

/// `shared:name:size`; a size that no cache could be of is refused. `what`: for messages.
net::TlsSessionStore shared_store(const Call& call, const std::string& word, std::string_view what) {
  const std::size_t colon = word.find(':', 7);
  const auto size = colon == word.npos ? std::nullopt : config::parse_size(word.substr(colon + 1));
  if (!size || colon == 7) call.fail(fmt::format("invalid {} \"{}\"", what, word));
  if (size->count() < 32 * 1024) call.fail(fmt::format("{} \"{}\" is too small", what, word));
  return {net::TlsSessionStore::Kind::Shared, word.substr(7, colon - 7), size->count()};
}

net::TlsSessionStore ocsp_cache(const Call& call) {
  const std::string& word = call.args[0];
  if (word == "off") return {.kind = net::TlsSessionStore::Kind::Off, .name = {}, .size = 0};
  if (!word.starts_with("shared:")) call.fail(fmt::format("invalid OCSP cache \"{}\"", word));
  return shared_store(call, word, "OCSP cache");
}

net::TlsSessionStore session_store(const Call& call) {
  using Kind = net::TlsSessionStore::Kind;
  net::TlsSessionStore choice;
  for (const std::string& word : call.args) {
    if (word == "off" || word == "none") {
      choice.kind = word == "off" ? Kind::Off : Kind::None;
    } else if (word.starts_with("builtin")) {
      if (choice.kind == Kind::Shared) continue;
      choice.kind = Kind::Builtin;
      if (word.size() == 7) continue;
      const auto count = word[7] == ':' ? config::parse_number(word.substr(8)) : std::nullopt;
      if (!count) call.fail(fmt::format("invalid session cache \"{}\"", word));
      choice.size = *count;
    } else if (word.starts_with("shared:")) {
      choice = shared_store(call, word, "session cache");
    } else {
      call.fail(fmt::format("invalid session cache \"{}\"", word));
    }
  }
  return choice;
}

std::size_t record_size(const Call& call) {
  const std::size_t size = config::size(call).count();
  if (size == 0) call.fail_value(call.args[0], "a size above 0");
  return size;
}

// --- putting it together

bool has_variables(std::span<const Template> texts) {
  return std::any_of(texts.begin(), texts.end(), [](const Template& text) { return !text.is_literal(); });
}

net::TlsServerOptions options_of(const config::Settings& settings, const Loader& loader) {
  const TlsConf& conf = settings.get<TlsConf>();
  net::TlsServerOptions options = *conf.options;
  options.certificates_vary = has_variables(*conf.certificates) || has_variables(*conf.keys);
  for (std::size_t i = 0; i < conf.certificates->size(); ++i)
    options.certificates.push_back({certificate_source((*conf.certificates)[i], options, loader),
                                    certificate_source((*conf.keys)[i], options, loader)});
  options.directory = loader.conf_path("");
  const ResolverConf& names = settings.get<ResolverConf>();
  if (options.stapling || options.ocsp != net::TlsOcsp::Off) options.responder_names = {*names.resolver, *names.timeout};
  if (loader.protocol.name == "http") options.alpn = {"http/1.1", "http/1.0", "http/0.9"};
  return options;
}

// --- directives

std::vector<std::string> words(const Call& call) { return {call.args.begin(), call.args.end()}; }

using Options = net::TlsServerOptions;

constexpr DirectiveSpec kDirectives[] = {
    repeated<&TlsConf::certificates, &template_value>("ssl_certificate", kServers, {1, 1}, "file | data:text",
        "A certificate in PEM with those between it and its root. Several of different kinds (RSA, ECDSA) may be given; "
        "with variables it is loaded for each handshake. A file that changes is loaded anew without a reload."),
    repeated<&TlsConf::keys, &template_value>("ssl_certificate_key", kServers, {1, 1}, "file | data:text",
        "The key of the certificate in the same place of the list."),
    option<TlsConf, &Options::passwords, &password_lines>("ssl_password_file", kServers, {1, 1}, "file",
        "Passwords for keys that are encrypted, a line each; all are tried."),
    option<TlsConf, &Options::credential_cache, &credential_cache>("ssl_certificate_cache", kServers, {1, 3}, kCacheSyntax,
        "How many certificates and keys whose names have variables are kept once they were loaded, until nobody wanted "
        "them for `inactive` (10s unless given) or `valid` (60s) has passed. Encrypted keys are not kept."),
    option<TlsConf, &Options::versions, &config::flags<kVersions>>("ssl_protocols", kServers, {1, -1},
        "TLSv1.3 | TLSv1.2 | TLSv1.1 | TLSv1 | SSLv3 | SSLv2 …", "Versions that clients may speak."),
    option<TlsConf, &Options::ciphers, &config::text>("ssl_ciphers", kServers, {1, 1}, "ciphers",
        "Ciphers of TLS 1.2 and below, as OpenSSL writes them."),
    option<TlsConf, &Options::prefer_server_ciphers, &config::on_off>("ssl_prefer_server_ciphers", kServers, {1, 1},
        "on | off", "Whether the order of the ciphers here counts, or the client's."),
    option<TlsConf, &Options::curves, &config::text>("ssl_ecdh_curve", kServers, {1, 1}, "curves | auto",
        "Curves for the exchange of keys, with colons between, the best first."),
    option<TlsConf, &Options::dh_parameters, &conf_file>("ssl_dhparam", kServers, {1, 1}, "file",
        "Parameters for DHE ciphers; without them there are none."),
    repeated_option<TlsConf, &Options::commands, &two_words>("ssl_conf_command", kServers, {2, 2}, "name value",
        "A command of OpenSSL's SSL_CONF_cmd, such as `Ciphersuites`."),
    option<TlsConf, &Options::session_store, &session_store>("ssl_session_cache", kServers, {1, 2},
        "off | none | builtin[:sessions] | shared:name:size",
        "Where sessions are kept that clients may come back with. All threads share a cache; it outlives reloads."),
    option<TlsConf, &Options::tickets, &config::on_off>("ssl_session_tickets", kServers, {1, 1}, "on | off",
        "Whether sessions are given to clients in tickets."),
    repeated_option<TlsConf, &Options::ticket_keys, &conf_file>("ssl_session_ticket_key", kServers, {1, 1}, "file",
        "A key for tickets, 48 or 80 octets; the first encrypts, all decrypt. A file that changes is loaded anew without a "
        "reload. Without any, Weir makes keys by itself and changes them when `ssl_session_timeout` has passed."),
    option<TlsConf, &Options::session_timeout, &config::time_s>("ssl_session_timeout", kServers, {1, 1}, "time",
        "How long a session may be used again."),
    option<TlsConf, &Options::early_data, &config::on_off>("ssl_early_data", kHttpServer, {1, 1}, "on | off",
        "Whether clients that come back may send a request along with their hello (TLS 1.3). Whoever overheard it may send "
        "it again elsewhere: tell backends with `proxy_set_header Early-Data $ssl_early_data`, so that they answer 425 to "
        "what must not be done twice."),
    option<TlsConf, &Options::record_size, &record_size>("ssl_buffer_size", kServers, {1, 1}, "size",
        "How much is sent in one record, at most 16k."),
    option<TlsConf, &Options::reject, &config::on_off>("ssl_reject_handshake", kServers, {1, 1}, "on | off",
        "Ends every handshake with this server."),
    option<TlsConf, &Options::verify, &config::an_enum<kVerify>>("ssl_verify_client", kServers, {1, 1},
        "on | off | optional | optional_no_ca", "Whether clients have to show a certificate, and whose."),
    option<TlsConf, &Options::verify_depth, &config::number_in<0, 100>>("ssl_verify_depth", kServers, {1, 1}, "number",
        "How many certificates may stand between a client's and a trusted one."),
    option<TlsConf, &Options::client_authorities, &conf_file>("ssl_client_certificate", kServers, {1, 1}, "file",
        "Certificates of authorities that sign those of clients; their names are sent to clients."),
    option<TlsConf, &Options::trusted, &conf_file>("ssl_trusted_certificate", kServers, {1, 1}, "file",
        "The same without sending names. Answers of OCSP responders are judged by them too."),
    option<TlsConf, &Options::revoked, &conf_file>("ssl_crl", kServers, {1, 1}, "file", "Certificates that were revoked."),
    option<TlsConf, &Options::stapling, &config::on_off>("ssl_stapling", kServers, {1, 1}, "on | off",
        "Whether clients that ask are told that the certificate was not revoked. Its OCSP responder is asked in the "
        "background, at the start and again before its answer ends."),
    option<TlsConf, &Options::staple, &conf_file>("ssl_stapling_file", kServers, {1, 1}, "file",
        "What they are told, instead of asking: the answer of an OCSP responder, in DER. A file that changes is loaded anew."),
    option<TlsConf, &Options::responder, &config::text>("ssl_stapling_responder", kServers, {1, 1}, "url",
        "The responder to be asked, `http://…`, instead of the one that the certificate names."),
    option<TlsConf, &Options::staple_verify, &config::on_off>("ssl_stapling_verify", kServers, {1, 1}, "on | off",
        "Whether an answer must be signed by somebody of `ssl_trusted_certificate`."),
    option<TlsConf, &Options::ocsp, &config::an_enum<kOcsp>>("ssl_ocsp", kServers, {1, 1}, "on | off | leaf",
        "Whether OCSP responders are asked, within the handshake, about clients' certificates and those above them; leaf: "
        "about clients' own only. A client about whom nothing can be found out is refused. Needs `ssl_verify_client on` or "
        "`optional`, and `resolver` for responders with names."),
    option<TlsConf, &Options::ocsp_cache, &ocsp_cache>("ssl_ocsp_cache", kServers, {1, 1}, "off | shared:name:size",
        "Where what they say is kept as long as it holds."),
    option<TlsConf, &Options::ocsp_responder, &config::text>("ssl_ocsp_responder", kServers, {1, 1}, "url",
        "The responder to be asked, `http://…`, instead of those that certificates name."),
    option<TlsConf, &Options::key_log, &key_log>("ssl_key_log", kServers, {1, 1}, "path",
        "A file that the keys of connections with clients are written to, as Wireshark reads them. Whoever has it can read "
        "what passes."),
    option<TlsConf, &Options::alpn, &words>("ssl_alpn", kStreamAndServer, {1, -1}, "protocol …",
        "What may be negotiated with clients that offer protocols (ALPN), the best first; without any of it they are refused."),
    directive<&TlsConf::handshake_timeout, &config::time_ms>("ssl_handshake_timeout", kStreamAndServer, {1, 1}, "time",
        "How long a handshake may take."),
};

}  // namespace

std::shared_ptr<net::TlsServer> make_tls_server(const config::Settings& settings, const Loader& loader,
                                                const config::Position& at) {
  const TlsConf& conf = settings.get<TlsConf>();
  const auto complain = [&](std::string text) { loader.diagnostics.error(at, std::move(text)); };
  const net::TlsServerOptions& wanted = *conf.options;
  const bool judges = wanted.verify == TlsVerify::On || wanted.verify == TlsVerify::Optional;
  if (conf.keys->size() < conf.certificates->size()) {
    complain(fmt::format("no \"ssl_certificate_key\" is defined for certificate \"{}\"",
                         conf.certificates->back().source()));
  } else if (judges && wanted.client_authorities.empty() && wanted.trusted.empty()) {
    complain("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client");
  } else if (wanted.ocsp != net::TlsOcsp::Off && wanted.verify == TlsVerify::OptionalNoCa) {
    complain("\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"");
  } else {
    if (wanted.ocsp != net::TlsOcsp::Off && wanted.verify == TlsVerify::Off)
      loader.diagnostics.warn(at, "\"ssl_ocsp\" has no effect without \"ssl_verify_client\"");
    try {
      auto server = net::TlsServer::with(options_of(settings, loader));
      for (const std::string& remark : server->keeper().remarks()) loader.diagnostics.warn(at, remark);
      return server;
    } catch (const net::TlsConfigError& error) {
      complain(error.what());
    }
  }
  return nullptr;
}

std::vector<net::TlsKeyPair> key_pairs(Context& context, const TlsConf& conf, const std::string& directory) {
  const auto path = [&](const Template& text) {
    std::string value(text.evaluate(context));
    return value.starts_with("data:") || value.starts_with('/') ? value : directory + value;
  };
  std::vector<net::TlsKeyPair> pairs;
  for (std::size_t i = 0; i < conf.certificates->size(); ++i)
    pairs.push_back({path((*conf.certificates)[i]), path((*conf.keys)[i])});
  return pairs;
}

extern const Directives ssl_directives;
const Directives ssl_directives = kDirectives;

}  // namespace weir::shared
