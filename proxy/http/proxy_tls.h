// TLS to backends: its settings, and what they mean for one attempt. The directives stand in features/proxy_ssl.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "http/tls_conf.h"
#include "http/variable.h"
#include "net/tls_client.h"

namespace weir::http {

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

/// Whom an attempt at the backend at `address` must reach, under the settings of the exchange's location.
net::TlsTarget tls_target(Exchange& exchange, std::string_view address);

}  // namespace weir::http
