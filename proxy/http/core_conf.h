// Settings of the HTTP core: what every location has, whatever it does.
// The directives that set them stand in features/core.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/setting.h"
#include "config/values.h"
#include "http/request_body.h"
#include "http/variable.h"

namespace weir::http {

using config::ByteCount;
using config::Setting;
using std::chrono::milliseconds;

/// `server_tokens`.
enum class ServerTokens : std::uint8_t { On, Off, Build };

struct CoreConf {
  // The client's connection. They hold for the server; a location may differ where nginx lets it.
  Setting<milliseconds> client_header_timeout{milliseconds(10'000)};
  Setting<milliseconds> client_body_timeout{milliseconds(60'000)};
  Setting<ByteCount> client_body_min_rate{ByteCount(1024)};  // octets a second; 0: no floor
  Setting<milliseconds> client_body_rate_window{milliseconds(30'000)};
  Setting<milliseconds> send_timeout{milliseconds(60'000)};
  Setting<ByteCount> send_min_rate{ByteCount(1024)};
  Setting<milliseconds> send_rate_window{milliseconds(30'000)};
  Setting<milliseconds> keepalive_timeout{milliseconds(75'000)};
  Setting<milliseconds> keepalive_time{milliseconds(3'600'000)};
  Setting<std::uint64_t> keepalive_requests{1000};
  Setting<milliseconds> lingering_time{milliseconds(30'000)};
  Setting<milliseconds> lingering_timeout{milliseconds(5'000)};
  Setting<int> lingering_close{1};  // 0 off, 1 on, 2 always
  Setting<bool> reset_timedout_connection{false};

  // The request's head.
  Setting<std::uint64_t> large_buffers_number{4};
  Setting<ByteCount> large_buffers_size{ByteCount(8192)};
  Setting<std::uint64_t> max_headers{100};
  Setting<bool> ignore_invalid_headers{true};
  Setting<bool> underscores_in_headers{false};
  Setting<bool> merge_slashes{true};

  // The request's body.
  Setting<ByteCount> client_max_body_size{ByteCount(1024 * 1024)};
  Setting<ByteCount> client_body_buffer_size{ByteCount(16 * 1024)};
  Setting<std::string> client_body_temp_path{"client_body_temp"};
  Setting<BodyInFile> client_body_in_file_only{BodyInFile::WhenLarge};

  // The response.
  Setting<ServerTokens> server_tokens{ServerTokens::On};
  Setting<bool> chunked_transfer_encoding{true};
  Setting<std::string> default_type{"text/plain"};
  Setting<bool> absolute_redirect{true};
  Setting<bool> port_in_redirect{true};
  Setting<bool> server_name_in_redirect{false};
  Setting<milliseconds> keepalive_header{milliseconds(0)};  // second argument of keepalive_timeout; 0: none
  Setting<bool> internal{false};
  Setting<bool> satisfy_any{false};
  Setting<milliseconds> auth_delay{milliseconds(0)};
};

}  // namespace weir::http
