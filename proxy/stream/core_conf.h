// Settings of the stream core. The directives that set them stand in features/core.cc.
#pragma once

#include <chrono>

#include "config/setting.h"
#include "config/values.h"
#include "net/address_quota.h"

namespace weir::stream {

struct CoreConf {
  config::Setting<config::ByteCount> preread_buffer_size{config::ByteCount(16 * 1024)};
  config::Setting<std::chrono::milliseconds> preread_timeout{std::chrono::milliseconds(30'000)};
  config::Setting<std::chrono::milliseconds> proxy_protocol_timeout{std::chrono::milliseconds(30'000)};
  config::Setting<bool> tcp_nodelay{true};
  config::Setting<net::AddressQuota::Limits> udp_max_sessions{net::AddressQuota::Limits{16384, 1024}};
};

}  // namespace weir::stream
