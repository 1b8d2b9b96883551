// TLS to backends: its settings, and what they mean for one attempt. The directives stand in shared/features/proxy_ssl.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "shared/tls_conf.h"
#include "shared/variable.h"
#include "net/tls_client.h"

namespace weir::shared {

struct ProxyTlsConf {
  config::Setting<Template> certificate, key;
  config::Setting<std::vector<std::string>> passwords;
  config::Setting<std::uint32_t> versions{net::tls_version::kTls12 | net::tls_version::kTls13};
  config::Setting<std::string> ciphers{"DEFAULT"};
  config::Setting<TlsConf::Commands> commands;
  config::Setting<bool> verify{false};
  config::Setting<std::uint32_t> verify_depth{1};
  config::Setting<std::string> trusted_certificate, crl;
  config::Setting<Template> name;  // not set: the host of proxy_pass
  config::Setting<bool> server_name{false};
  config::Setting<bool> session_reuse{true};

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
