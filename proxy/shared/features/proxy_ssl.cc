// proxy_ssl: TLS to backends. What OpenSSL does with it is in net/tls_client.h.
#include <fmt/format.h>

#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/features/ssl_values.h"
#include "shared/proxy_tls.h"

namespace weir::shared {

namespace {

using config::directive;
using config::DirectiveSpec;
using namespace scopes;
using namespace ssl_values;

net::TlsClientOptions options_of(const ProxyTlsConf& conf, const Loader& loader) {
  net::TlsClientOptions options = *conf.options;
  options.certificates_vary = !conf.certificate->is_literal() || !conf.key->is_literal();
  if (!conf.certificate->is_empty_literal())
    options.certificates.push_back({certificate_source(*conf.certificate, options, loader),
                                    certificate_source(*conf.key, options, loader)});
  options.directory = loader.conf_path("");
  return options;
}

std::vector<Template> templates(const config::Call& call) {
  std::vector<Template> texts;
  for (const std::string& word : call.args)
    texts.push_back(Template::compile(word, Loader::of(call).protocol.variables));
  return texts;
}

constexpr auto kScopes = kHttpServerLocation | kStreamAndServer;

using Options = net::TlsClientOptions;

constexpr DirectiveSpec kDirectives[] = {
    directive<&ProxyTlsConf::certificate, &template_value>("proxy_ssl_certificate", kScopes, {1, 1},
        "file | data:text", "A certificate in PEM to show to backends."),
    directive<&ProxyTlsConf::key, &template_value>("proxy_ssl_certificate_key", kScopes, {1, 1},
        "file | data:text", "Its key."),
    option<ProxyTlsConf, &Options::passwords, &password_lines>("proxy_ssl_password_file", kScopes, {1, 1}, "file",
        "Passwords for a key that is encrypted, a line each; all are tried."),
    option<ProxyTlsConf, &Options::credential_cache, &credential_cache>("proxy_ssl_certificate_cache", kScopes, {1, 3}, kCacheSyntax,
        "How many certificates and keys whose names have variables are kept once they were loaded, as with "
        "`ssl_certificate_cache`."),
    option<ProxyTlsConf, &Options::versions, &config::flags<kVersions>>("proxy_ssl_protocols", kScopes, {1, -1},
        "TLSv1.3 | TLSv1.2 | TLSv1.1 | TLSv1 | SSLv3 | SSLv2 …", "Versions that are spoken to backends."),
    option<ProxyTlsConf, &Options::ciphers, &config::text>("proxy_ssl_ciphers", kScopes, {1, 1}, "ciphers",
        "Ciphers of TLS 1.2 and below, as OpenSSL writes them."),
    repeated_option<ProxyTlsConf, &Options::commands, &two_words>("proxy_ssl_conf_command", kScopes, {2, 2},
        "name value", "A command of OpenSSL's SSL_CONF_cmd."),
    option<ProxyTlsConf, &Options::verify, &config::on_off>("proxy_ssl_verify", kScopes, {1, 1}, "on | off",
        "Whether backends must have a certificate of somebody trusted, for the right name."),
    option<ProxyTlsConf, &Options::verify_depth, &config::number_in<0, 100>>("proxy_ssl_verify_depth", kScopes,
        {1, 1}, "number", "How many certificates may stand between a backend's and a trusted one."),
    option<ProxyTlsConf, &Options::trusted, &conf_file>("proxy_ssl_trusted_certificate", kScopes,
        {1, 1}, "file", "Certificates of authorities that are trusted."),
    option<ProxyTlsConf, &Options::revoked, &conf_file>("proxy_ssl_crl", kScopes, {1, 1}, "file", "Certificates that were revoked."),
    directive<&ProxyTlsConf::name, &template_value>("proxy_ssl_name", kScopes, {1, 1}, "name",
        "The name that a backend's certificate must be for, and that is sent with `proxy_ssl_server_name`; the host of "
        "`proxy_pass` unless given."),
    directive<&ProxyTlsConf::server_name, &config::on_off>("proxy_ssl_server_name", kScopes, {1, 1},
        "on | off", "Whether the name is sent to backends (SNI)."),
    directive<&ProxyTlsConf::alpn, &templates>("proxy_ssl_alpn", kStreamAndServer, {1, -1}, "protocol …",
        "Protocols that are offered to backends (ALPN), the best first; those that are empty are left out."),
    option<ProxyTlsConf, &Options::key_log, &key_log>("proxy_ssl_key_log", kScopes, {1, 1}, "path",
        "A file that the keys of connections to backends are written to, as Wireshark reads them. Whoever has it can read "
        "what passes."),
    option<ProxyTlsConf, &Options::reuse_sessions, &config::on_off>("proxy_ssl_session_reuse", kScopes, {1, 1},
        "on | off", "Whether handshakes are shortened by sessions of earlier connections."),
};

}  // namespace

std::shared_ptr<const net::TlsClient> make_tls_client(const ProxyTlsConf& conf, const Loader& loader,
                                                      const config::Position& at) {
  const auto complain = [&](std::string text) {
    loader.diagnostics.error(at, std::move(text));
    return nullptr;
  };
  if (!conf.certificate->is_empty_literal() && conf.key->is_empty_literal())
    return complain(fmt::format("no \"proxy_ssl_certificate_key\" is defined for certificate \"{}\"",
                                conf.certificate->source()));
  if (conf.options->verify && conf.options->trusted.empty())
    return complain("no proxy_ssl_trusted_certificate for proxy_ssl_verify");
  try {
    return net::TlsClient::with(options_of(conf, loader));
  } catch (const net::TlsConfigError& error) {
    return complain(error.what());
  }
}

extern const Directives proxy_ssl_directives;
const Directives proxy_ssl_directives = kDirectives;

}  // namespace weir::shared
