// Settings of proxy_pass and its family. The directives that set them stand in features/proxy.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "config/setting.h"
#include "config/values.h"
#include "shared/upstream_block.h"
#include "stream/variable.h"

namespace weir::stream {

using config::Setting;
using std::chrono::milliseconds;

/// Where `proxy_pass` sends a session.
struct ProxyTarget {
  UpstreamBlock* upstream = nullptr;  // null: `address` has variables
  Template address;                   // the argument
  bool is_set() const { return !address.source().empty(); }
};

/// `proxy_bind`: the address that connections to backends come from.
struct ProxyBind {
  Template address;  // empty: the system chooses
  bool transparent = false;
};

/// What a backend is told of the client before anything else.
enum class ProxyHeaderKind : std::uint8_t { None, V1, V2 };

struct ProxyConf {
  Setting<ProxyTarget> pass;
  Setting<milliseconds> connect_timeout{milliseconds(60'000)};
  Setting<milliseconds> timeout{milliseconds(600'000)};
  Setting<config::ByteCount> buffer_size{config::ByteCount(16 * 1024)};
  Setting<bool> next_upstream{true};
  Setting<std::uint64_t> next_upstream_tries{0};
  Setting<milliseconds> next_upstream_timeout{milliseconds(0)};
  Setting<bool> half_close{false};
  Setting<bool> session_drop{false};
  Setting<bool> socket_keepalive{false};
  Setting<config::ByteCount> socket_rcvbuf{config::ByteCount(0)}, socket_sndbuf{config::ByteCount(0)};  // 0: the system's
  Setting<Template> upload_rate, download_rate;
  Setting<ProxyBind> bind;
  Setting<ProxyHeaderKind> proxy_protocol{ProxyHeaderKind::None};
  Setting<std::optional<std::uint64_t>> responses;  // to a datagram; nothing: any number
  Setting<std::uint64_t> requests{0};
  Setting<bool> ssl{false};  // TLS to backends, see shared/proxy_tls.h
};

}  // namespace weir::stream
