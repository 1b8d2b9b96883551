// WEIR_CHECK: for what cannot happen. Input is handled; only our own mistakes are checked like this.
#pragma once

namespace weir::log {
/// Prints where and what to standard error and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace weir::log

#define WEIR_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::weir::log::check_failed(#condition, __FILE__, __LINE__))
