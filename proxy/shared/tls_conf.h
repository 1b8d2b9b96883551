// Settings of TLS towards clients. The directives that set them stand in shared/features/ssl.cc.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/setting.h"
#include "config/settings.h"
#include "config/statement.h"
#include "net/tls_options.h"
#include "shared/option_set.h"
#include "shared/variable.h"

namespace weir::net {
class TlsServer;
}

namespace weir::shared {

class Loader;

struct TlsConf {
  OptionSet<net::TlsServerOptions> options;  // but for certificates
  config::Setting<std::vector<Template>> certificates, keys;
  config::Setting<std::chrono::milliseconds> handshake_timeout{std::chrono::milliseconds(60'000)};  // of stream
};

/// What a virtual server shows with these settings of it. Null: something is wrong, which was reported at `at`.
std::shared_ptr<net::TlsServer> make_tls_server(const config::Settings& settings, const Loader& loader,
                                                const config::Position& at);

/// The certificates and keys for this handshake, where their names have variables. `directory`: of relative names.
std::vector<net::TlsKeyPair> key_pairs(Context& context, const TlsConf& conf, const std::string& directory);

}  // namespace weir::shared
