// What a whole `http { … }` or `stream { … }` block has, whichever it is. Immutable once it is published.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "shared/error_log_conf.h"
#include "shared/upstream_block.h"
#include "shared/variable.h"

namespace weir::shared {

/// A file that access logs write to, and how long lines may wait.
struct AccessLogToOpen {
  std::string path;
  std::size_t buffer = 0;              // octets that may wait; 0: lines are written at the end of a turn
  std::chrono::milliseconds flush{0};  // how long a line may wait in the buffer; 0: until it is full
};

struct ProtocolConfig {
  std::string name;           // `http`, `stream`
  config::Settings settings;  // of the block itself
  std::vector<std::unique_ptr<UpstreamBlock>> upstreams;
  VariableTable variables;
  std::vector<AccessLogToOpen> access_logs;  // each file once
  std::vector<ErrorLogToOpen> error_logs;
  std::uint64_t generation = 0;
  std::shared_ptr<const void> in_use;  // the blocks of one configuration share it; it ends with the last of them

  UpstreamBlock* find_upstream(std::string_view wanted) const {
    for (const auto& upstream : upstreams)
      if (upstream->name == wanted) return upstream.get();
    return nullptr;
  }
};

}  // namespace weir::shared
