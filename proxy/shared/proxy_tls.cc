#include "shared/proxy_tls.h"

#include "shared/context.h"

namespace weir::shared {

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && host.find(']', colon) == host.npos &&
                        (host.starts_with('[') || host.find(':') == colon);
  return has_port ? host.substr(0, colon) : host;
}

net::TlsTarget tls_target(Context& context, const ProxyTlsConf& conf, std::string_view host, std::string_view address) {
  const std::string_view name = conf.name.is_set() ? conf.name->evaluate(context) : host;
  net::TlsTarget target;
  target.client = conf.client;
  target.name = without_port(name);
  target.sends_name = *conf.server_name;
  target.address = address;
  for (const Template& protocol : *conf.alpn)
    if (std::string wanted(protocol.evaluate(context)); !wanted.empty() && wanted.size() <= 255)
      target.alpn.push_back(std::move(wanted));
  if (!conf.client->options().certificates_vary) return target;
  const auto path = [&](const Template& text) {
    std::string value(text.evaluate(context));
    return value.empty() || value.starts_with("data:") || value.starts_with('/')
               ? value
               : conf.client->options().directory + value;
  };
  target.own = {path(*conf.certificate), path(*conf.key)};
  target.own_files = target.own.files_state();
  return target;
}

}  // namespace weir::shared
