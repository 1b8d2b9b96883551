// How servers read the path of a request: every reading that is usual somewhere.
//
// No reading of a path that was forwarded may lie below a prefix that the configuration denies. Shares no code with
// the proxy: it is its judge.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::conformance {

/// The target's path (from its first `/` to `?`) as each model reads it, the raw path included.
std::vector<std::string> readings_of(std::string_view target);

}  // namespace weir::conformance
