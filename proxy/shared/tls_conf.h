// Settings of TLS towards clients. The directives that set them stand in shared/features/ssl.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/setting.h"
#include "config/statement.h"
#include "shared/variable.h"
#include "net/tls_options.h"

namespace weir::net {
class TlsServer;
}

namespace weir::shared {

class Loader;

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
  // Of stream; http has its own.
  config::Setting<std::vector<std::string>> alpn;
  config::Setting<std::chrono::milliseconds> handshake_timeout{std::chrono::milliseconds(60'000)};
};

/// What a virtual server shows with these settings. Null: something is wrong, which was reported at `at`.
std::shared_ptr<net::TlsServer> make_tls_server(const TlsConf& conf, const Loader& loader, const config::Position& at);

/// The certificates and keys for this handshake, where their names have variables. `directory`: of relative names.
std::vector<net::TlsKeyPair> key_pairs(Context& context, const TlsConf& conf, const std::string& directory);

}  // namespace weir::shared
