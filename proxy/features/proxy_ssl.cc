// proxy_ssl: which locations pass to backends that want TLS (shared/proxy_tls.h).
#include "features/scopes.h"
#include "http/proxy_conf.h"
#include "shared/proxy_tls.h"

#include <fmt/format.h>

namespace weir::http {

namespace {

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
  conf.client = make_tls_client(conf, loader, location.at);
  const bool is_own_block = location.match != Location::Match::If && location.match != Location::Match::LimitExcept;
  if (conf.client && !conf.options->verify && pass.scheme == "https" && is_own_block)
    loader.diagnostics.warn(location.at, fmt::format("the certificates of \"https://{}\" are not verified: anybody on "
                                                     "the way there can read and change what is passed; see "
                                                     "proxy_ssl_verify",
                                                     pass.host_and_port));
}

}  // namespace

extern const Feature proxy_ssl;
const Feature proxy_ssl{.name = "proxy_ssl", .finish = finish};

}  // namespace weir::http
