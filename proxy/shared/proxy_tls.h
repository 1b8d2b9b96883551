// TLS to backends: its settings, and what they mean for one attempt. The directives stand in shared/features/proxy_ssl.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "net/tls_client.h"
#include "shared/option_set.h"
#include "shared/variable.h"

namespace weir::shared {

class Context;
class Loader;

struct ProxyTlsConf {
  OptionSet<net::TlsClientOptions> options;  // but for certificates
  config::Setting<Template> certificate, key;
  config::Setting<Template> name;  // not set: the host of proxy_pass
  config::Setting<bool> server_name{false};
  config::Setting<std::vector<Template>> alpn;

  /// Made of these when the configuration was read; null where nothing is passed to such backends.
  std::shared_ptr<const net::TlsClient> client;
};

/// `host:port` or `[address]:port` without the port.
std::string_view without_port(std::string_view host);

/// What is shown to backends and demanded of them with these settings. Null: something is wrong, which was reported at `at`.
std::shared_ptr<const net::TlsClient> make_tls_client(const ProxyTlsConf& conf, const Loader& loader,
                                                      const config::Position& at);

/// Whom an attempt at the backend at `address` must reach. `host`: its name unless `conf` gives one; a port is cut off.
net::TlsTarget tls_target(Context& context, const ProxyTlsConf& conf, std::string_view host, std::string_view address);

}  // namespace weir::shared
