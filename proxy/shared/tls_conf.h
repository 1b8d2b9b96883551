// Settings of TLS towards clients. The directives that set them stand in features/ssl.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/setting.h"
#include "shared/variable.h"
#include "net/tls_options.h"

namespace weir::shared {

/// `ssl_session_cache`.
struct TlsCacheChoice {
  net::TlsServerOptions::Cache kind = net::TlsServerOptions::Cache::None;
  std::string name;
  std::size_t size = 0;
};

struct TlsConf {
  using Commands = std::vector<std::pair<std::string, std::string>>;

  config::Setting<std::vector<Template>> certificates, keys;
  config::Setting<std::vector<std::string>> passwords;
  config::Setting<std::uint32_t> versions{net::tls_version::kTls12 | net::tls_version::kTls13};
  config::Setting<std::string> ciphers{"HIGH:!aNULL:!MD5"};
  config::Setting<bool> prefer_server_ciphers{false};
  config::Setting<std::string> curves{"auto"};
  config::Setting<std::string> dh_parameters;
  config::Setting<Commands> commands;
  config::Setting<TlsCacheChoice> cache;
  config::Setting<bool> tickets{true};
  config::Setting<std::vector<std::string>> ticket_keys;
  config::Setting<std::chrono::seconds> session_timeout{std::chrono::seconds(300)};
  config::Setting<std::size_t> buffer_size{16 * 1024};
  config::Setting<bool> reject{false};
  config::Setting<net::TlsVerify> verify{net::TlsVerify::Off};
  config::Setting<std::uint32_t> verify_depth{1};
  config::Setting<bool> stapling{false};
  config::Setting<std::string> staple;
  config::Setting<std::string> client_certificate, trusted_certificate, crl;
};

}  // namespace weir::shared
