// proxy_ssl: TLS to backends. What OpenSSL does with it is in net/tls_client.h.
#include <fmt/format.h>

#include "features/scopes.h"
#include "features/ssl_values.h"
#include "http/proxy_conf.h"
#include "shared/proxy_tls.h"

namespace weir::http {

namespace {

using config::directive;
using config::DirectiveSpec;
using config::repeated;
using namespace scopes;
using namespace ssl_values;

net::TlsClientOptions options_of(const ProxyTlsConf& conf, const Loader& loader) {
  net::TlsClientOptions options;
  options.certificates_vary = !conf.certificate->is_literal() || !conf.key->is_literal();
  if (!conf.certificate->is_empty_literal()) {
    const auto path = [&](const Template& text) {
      const std::string& source = text.source();
      return options.certificates_vary || source.starts_with("data:") ? source : loader.conf_path(source);
    };
    options.certificates.push_back({path(*conf.certificate), path(*conf.key)});
  }
  options.passwords = *conf.passwords;
  options.versions = *conf.versions;
  options.ciphers = *conf.ciphers;
  options.commands = *conf.commands;
  options.directory = loader.conf_path("");
  options.verify = *conf.verify;
  options.verify_depth = *conf.verify_depth;
  options.trusted = *conf.trusted_certificate;
  options.revoked = *conf.crl;
  options.reuse_sessions = *conf.session_reuse;
  return options;
}

/// Whether requests from here can go to backends that want TLS.
bool may_encrypt(const ProxyTarget& pass) {
  if (pass.upstream) return pass.scheme == "https";
  const std::string& source = pass.address.source();
  return source.starts_with("https:") || source.starts_with('$');
}

void finish(config::Settings& settings, Loader& loader) {
  const ProxyTarget& pass = *settings.get<ProxyConf>().pass;
  if (!pass.is_set() || !may_encrypt(pass)) return;
  const Location& location = *loader.location;
  ProxyTlsConf& conf = settings.edit<ProxyTlsConf>();
  const auto complain = [&](std::string text) { loader.diagnostics.error(location.at, std::move(text)); };
  if (!conf.certificate->is_empty_literal() && conf.key->is_empty_literal())
    return complain(fmt::format("no \"proxy_ssl_certificate_key\" is defined for certificate \"{}\"",
                                conf.certificate->source()));
  if (*conf.verify && conf.trusted_certificate->empty())
    return complain("no proxy_ssl_trusted_certificate for proxy_ssl_verify");
  const bool is_own_block = location.match != Location::Match::If && location.match != Location::Match::LimitExcept;
  if (!*conf.verify && pass.scheme == "https" && is_own_block)
    loader.diagnostics.warn(location.at, fmt::format("the certificates of \"https://{}\" are not verified: anybody on "
                                                     "the way there can read and change what is passed; see "
                                                     "proxy_ssl_verify",
                                                     pass.host_and_port));
  try {
    conf.client = net::TlsClient::with(options_of(conf, loader));
  } catch (const net::TlsConfigError& error) {
    complain(error.what());
  }
}

constexpr DirectiveSpec kDirectives[] = {
    directive<&ProxyTlsConf::certificate, &template_value>("proxy_ssl_certificate", kHttpServerLocation, {1, 1},
        "file | data:text", "A certificate in PEM to show to backends."),
    directive<&ProxyTlsConf::key, &template_value>("proxy_ssl_certificate_key", kHttpServerLocation, {1, 1},
        "file | data:text", "Its key."),
    directive<&ProxyTlsConf::passwords, &password_lines>("proxy_ssl_password_file", kHttpServerLocation, {1, 1}, "file",
        "Passwords for a key that is encrypted, a line each; all are tried."),
    directive<&ProxyTlsConf::versions, &config::flags<kVersions>>("proxy_ssl_protocols", kHttpServerLocation, {1, -1},
        "TLSv1.3 | TLSv1.2 | TLSv1.1 | TLSv1 | SSLv3 | SSLv2 …", "Versions that are spoken to backends."),
    directive<&ProxyTlsConf::ciphers, &config::text>("proxy_ssl_ciphers", kHttpServerLocation, {1, 1}, "ciphers",
        "Ciphers of TLS 1.2 and below, as OpenSSL writes them."),
    repeated<&ProxyTlsConf::commands, &two_words>("proxy_ssl_conf_command", kHttpServerLocation, {2, 2}, "name value",
        "A command of OpenSSL's SSL_CONF_cmd."),
    directive<&ProxyTlsConf::verify, &config::on_off>("proxy_ssl_verify", kHttpServerLocation, {1, 1}, "on | off",
        "Whether backends must have a certificate of somebody trusted, for the right name."),
    directive<&ProxyTlsConf::verify_depth, &config::number_in<0, 100>>("proxy_ssl_verify_depth", kHttpServerLocation,
        {1, 1}, "number", "How many certificates may stand between a backend's and a trusted one."),
    directive<&ProxyTlsConf::trusted_certificate, &conf_file>("proxy_ssl_trusted_certificate", kHttpServerLocation,
        {1, 1}, "file", "Certificates of authorities that are trusted."),
    directive<&ProxyTlsConf::crl, &conf_file>("proxy_ssl_crl", kHttpServerLocation, {1, 1}, "file",
        "Certificates that were revoked."),
    directive<&ProxyTlsConf::name, &template_value>("proxy_ssl_name", kHttpServerLocation, {1, 1}, "name",
        "The name that a backend's certificate must be for, and that is sent with `proxy_ssl_server_name`; the host of "
        "`proxy_pass` unless given."),
    directive<&ProxyTlsConf::server_name, &config::on_off>("proxy_ssl_server_name", kHttpServerLocation, {1, 1},
        "on | off", "Whether the name is sent to backends (SNI)."),
    directive<&ProxyTlsConf::session_reuse, &config::on_off>("proxy_ssl_session_reuse", kHttpServerLocation, {1, 1},
        "on | off", "Whether handshakes are shortened by sessions of earlier connections."),
    config::custom("proxy_ssl_certificate_cache", kHttpServerLocation, {1, 3}, "off | max=N [inactive=time] [valid=time]",
        "How long certificates whose names have variables are kept.", [](const config::Call&) {})
        .accepted("such certificates are read when a connection is opened"),
};

}  // namespace

extern const Feature proxy_ssl;
const Feature proxy_ssl{.name = "proxy_ssl", .directives = kDirectives, .finish = finish};

}  // namespace weir::http
