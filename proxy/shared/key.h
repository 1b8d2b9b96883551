// What a balancing method maps a request or a session by.
#pragma once

#include <string_view>

#include "shared/context.h"
#include "shared/upstream_block.h"

namespace weir::shared {

/// Empty if the method has no key. Lives as long as the context.
inline std::string_view key_for(Context& context, const UpstreamBlock& upstream) {
  constexpr std::string_view kNoAddress("\0\0\0", 3);  // ip_hash of a client without one
  if (upstream.key.is_empty_literal()) return {};
  const std::string_view key = upstream.key.evaluate(context);
  if (!upstream.key_is_address) return key;
  return key.size() == 4 ? key.substr(0, 3) : key.size() == 16 ? key : kNoAddress;
}

}  // namespace weir::shared
