#include "log/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir::log {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace weir::log
