// ssl: TLS towards clients. What OpenSSL does with it is in net/tls_server.h.
#include <fmt/format.h>

#include <algorithm>

#include "net/stream.h"
#include "net/tls_facts.h"
#include "net/tls_server.h"
#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/features/ssl_values.h"
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

TlsCacheChoice parse_cache(const Call& call) {
  using Cache = net::TlsServerOptions::Cache;
  TlsCacheChoice choice;
  for (const std::string& word : call.args) {
    if (word == "off" || word == "none") {
      choice.kind = word == "off" ? Cache::Off : Cache::None;
    } else if (word.starts_with("builtin")) {
      if (choice.kind == Cache::Shared) continue;
      choice.kind = Cache::Builtin;
      if (word.size() == 7) continue;
      const auto count = word[7] == ':' ? config::parse_number(word.substr(8)) : std::nullopt;
      if (!count) call.fail(fmt::format("invalid session cache \"{}\"", word));
      choice.size = *count;
    } else if (word.starts_with("shared:")) {
      const std::size_t colon = word.find(':', 7);
      const auto size = colon == word.npos ? std::nullopt : config::parse_size(word.substr(colon + 1));
      if (!size || colon == 7) call.fail(fmt::format("invalid session cache \"{}\"", word));
      if (size->count() < 32 * 1024) call.fail(fmt::format("session cache \"{}\" is too small", word));
      choice = {Cache::Shared, word.substr(7, colon - 7), size->count()};
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

net::TlsServerOptions options_of(const TlsConf& conf, const Loader& loader) {
  net::TlsServerOptions options;
  options.certificates_vary = has_variables(*conf.certificates) || has_variables(*conf.keys);
  for (std::size_t i = 0; i < conf.certificates->size(); ++i) {
    const auto path = [&](const Template& text) {
      const std::string& source = text.source();
      return options.certificates_vary || source.starts_with("data:") ? source : loader.conf_path(source);
    };
    options.certificates.push_back({path((*conf.certificates)[i]), path((*conf.keys)[i])});
  }
  options.passwords = *conf.passwords;
  options.versions = *conf.versions;
  options.ciphers = *conf.ciphers;
  options.prefer_server_ciphers = *conf.prefer_server_ciphers;
  options.curves = *conf.curves;
  options.dh_parameters = *conf.dh_parameters;
  options.commands = *conf.commands;
  options.directory = loader.conf_path("");
  options.cache = conf.cache->kind;
  options.cache_name = conf.cache->name;
  options.cache_bytes = conf.cache->size;
  options.tickets = *conf.tickets;
  options.ticket_keys = *conf.ticket_keys;
  options.session_timeout = *conf.session_timeout;
  options.record_size = *conf.buffer_size;
  options.reject = *conf.reject;
  options.verify = *conf.verify;
  options.verify_depth = *conf.verify_depth;
  options.client_authorities = *conf.client_certificate;
  options.trusted = *conf.trusted_certificate;
  options.revoked = *conf.crl;
  if (*conf.stapling) options.staple = *conf.staple;
  if (loader.protocol.name != "http") options.alpn = *conf.alpn;
  return options;
}

// --- variables

template <net::TlsFact Which>
VariableValue fact(Context& context, const VariableArg&) {
  const net::Stream* const transport = context.transport();
  const net::TlsFacts* const tls = transport ? transport->tls() : nullptr;
  const std::string text = tls ? tls->fact(Which) : std::string();
  return text.empty() ? VariableValue::not_found() : VariableValue{context.keep(text)};
}

using net::TlsFact;

constexpr VariableSpec kVariables[] = {
    {"ssl_protocol", fact<TlsFact::Protocol>},
    {"ssl_cipher", fact<TlsFact::Cipher>},
    {"ssl_ciphers", fact<TlsFact::Ciphers>},
    {"ssl_curve", fact<TlsFact::Curve>},
    {"ssl_curves", fact<TlsFact::Curves>},
    {"ssl_sigalg", fact<TlsFact::Signature>},
    {"ssl_session_id", fact<TlsFact::SessionId>},
    {"ssl_session_reused", fact<TlsFact::SessionReused>},
    {"ssl_server_name", fact<TlsFact::ServerName>},
    {"ssl_alpn_protocol", fact<TlsFact::Alpn>},
    {"ssl_early_data", fact<TlsFact::EarlyData>},
    {"ssl_client_verify", fact<TlsFact::PeerVerdict>},
    {"ssl_client_cert", fact<TlsFact::PeerCertificate>},
    {"ssl_client_raw_cert", fact<TlsFact::PeerCertificateRaw>},
    {"ssl_client_escaped_cert", fact<TlsFact::PeerCertificateEscaped>},
    {"ssl_client_s_dn", fact<TlsFact::PeerSubject>},
    {"ssl_client_i_dn", fact<TlsFact::PeerIssuer>},
    {"ssl_client_s_dn_legacy", fact<TlsFact::PeerSubjectLegacy>},
    {"ssl_client_i_dn_legacy", fact<TlsFact::PeerIssuerLegacy>},
    {"ssl_client_serial", fact<TlsFact::PeerSerial>},
    {"ssl_client_fingerprint", fact<TlsFact::PeerFingerprint>},
    {"ssl_client_v_start", fact<TlsFact::PeerValidFrom>},
    {"ssl_client_v_end", fact<TlsFact::PeerValidTo>},
    {"ssl_client_v_remain", fact<TlsFact::PeerDaysLeft>},
    {"ssl_client_sigalg", fact<TlsFact::PeerSignature>},
};

// --- directives

std::vector<std::string> protocols(const Call& call) { return {call.args.begin(), call.args.end()}; }

constexpr DirectiveSpec kDirectives[] = {
    repeated<&TlsConf::certificates, &template_value>("ssl_certificate", kServers, {1, 1}, "file | data:text",
        "A certificate in PEM with those between it and its root. Several of different kinds (RSA, ECDSA) may be given; "
        "with variables it is loaded for each handshake. A file that changes is loaded anew without a reload."),
    repeated<&TlsConf::keys, &template_value>("ssl_certificate_key", kServers, {1, 1}, "file | data:text",
        "The key of the certificate in the same place of the list."),
    directive<&TlsConf::passwords, &password_lines>("ssl_password_file", kServers, {1, 1}, "file",
        "Passwords for keys that are encrypted, a line each; all are tried."),
    directive<&TlsConf::versions, &config::flags<kVersions>>("ssl_protocols", kServers, {1, -1},
        "TLSv1.3 | TLSv1.2 | TLSv1.1 | TLSv1 | SSLv3 | SSLv2 …", "Versions that clients may speak."),
    directive<&TlsConf::ciphers, &config::text>("ssl_ciphers", kServers, {1, 1}, "ciphers",
        "Ciphers of TLS 1.2 and below, as OpenSSL writes them."),
    directive<&TlsConf::prefer_server_ciphers, &config::on_off>("ssl_prefer_server_ciphers", kServers, {1, 1},
        "on | off", "Whether the order of the ciphers here counts, or the client's."),
    directive<&TlsConf::curves, &config::text>("ssl_ecdh_curve", kServers, {1, 1}, "curves | auto",
        "Curves for the exchange of keys, with colons between, the best first."),
    directive<&TlsConf::dh_parameters, &conf_file>("ssl_dhparam", kServers, {1, 1}, "file",
        "Parameters for DHE ciphers; without them there are none."),
    repeated<&TlsConf::commands, &two_words>("ssl_conf_command", kServers, {2, 2}, "name value",
        "A command of OpenSSL's SSL_CONF_cmd, such as `Ciphersuites`."),
    directive<&TlsConf::cache, &parse_cache>("ssl_session_cache", kServers, {1, 2},
        "off | none | builtin[:sessions] | shared:name:size",
        "Where sessions are kept that clients may come back with. All threads share a cache; it outlives reloads."),
    directive<&TlsConf::tickets, &config::on_off>("ssl_session_tickets", kServers, {1, 1}, "on | off",
        "Whether sessions are given to clients in tickets."),
    repeated<&TlsConf::ticket_keys, &conf_file>("ssl_session_ticket_key", kServers, {1, 1}, "file",
        "A key for tickets, 48 or 80 octets; the first encrypts, all decrypt. Without any, Weir makes keys by itself and "
        "changes them when `ssl_session_timeout` has passed."),
    directive<&TlsConf::session_timeout, &config::time_s>("ssl_session_timeout", kServers, {1, 1}, "time",
        "How long a session may be used again."),
    directive<&TlsConf::buffer_size, &record_size>("ssl_buffer_size", kServers, {1, 1}, "size",
        "How much is sent in one record, at most 16k."),
    directive<&TlsConf::reject, &config::on_off>("ssl_reject_handshake", kServers, {1, 1}, "on | off",
        "Ends every handshake with this server."),
    directive<&TlsConf::verify, &config::an_enum<kVerify>>("ssl_verify_client", kServers, {1, 1},
        "on | off | optional | optional_no_ca", "Whether clients have to show a certificate, and whose."),
    directive<&TlsConf::verify_depth, &config::number_in<0, 100>>("ssl_verify_depth", kServers, {1, 1}, "number",
        "How many certificates may stand between a client's and a trusted one."),
    directive<&TlsConf::client_certificate, &conf_file>("ssl_client_certificate", kServers, {1, 1}, "file",
        "Certificates of authorities that sign those of clients; their names are sent to clients."),
    directive<&TlsConf::trusted_certificate, &conf_file>("ssl_trusted_certificate", kServers, {1, 1}, "file",
        "The same without sending names."),
    directive<&TlsConf::stapling, &config::on_off>("ssl_stapling", kServers, {1, 1}, "on | off",
        "Whether clients that ask are told that the certificate was not revoked.")
        .degraded("only the answer in `ssl_stapling_file` is sent, Weir asks no responder yet; clients ask themselves"),
    directive<&TlsConf::staple, &conf_file>("ssl_stapling_file", kServers, {1, 1}, "file",
        "What they are told: the answer of an OCSP responder, in DER. A file that changes is loaded anew."),
    directive<&TlsConf::alpn, &protocols>("ssl_alpn", kStreamAndServer, {1, -1}, "protocol …",
        "What may be negotiated with clients that offer protocols (ALPN), the best first; without any of it they are refused."),
    directive<&TlsConf::handshake_timeout, &config::time_ms>("ssl_handshake_timeout", kStreamAndServer, {1, 1}, "time",
        "How long a handshake may take."),
    directive<&TlsConf::crl, &conf_file>("ssl_crl", kServers, {1, 1}, "file", "Certificates that were revoked."),
};

}  // namespace

std::shared_ptr<net::TlsServer> make_tls_server(const TlsConf& conf, const Loader& loader, const config::Position& at) {
  const auto complain = [&](std::string text) { loader.diagnostics.error(at, std::move(text)); };
  const bool judges = *conf.verify == TlsVerify::On || *conf.verify == TlsVerify::Optional;
  if (conf.keys->size() < conf.certificates->size()) {
    complain(fmt::format("no \"ssl_certificate_key\" is defined for certificate \"{}\"",
                         conf.certificates->back().source()));
  } else if (judges && conf.client_certificate->empty() && conf.trusted_certificate->empty()) {
    complain("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client");
  } else {
    try {
      return net::TlsServer::with(options_of(conf, loader));
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

std::span<const VariableSpec> ssl_variables();
std::span<const VariableSpec> ssl_variables() { return kVariables; }

extern const Directives ssl_directives;
const Directives ssl_directives = kDirectives;

}  // namespace weir::shared
