// The fuzzer's assertion: an outcome that must never be.
#pragma once

#include <cstdlib>

#define MUST(condition) \
  if (!(condition)) std::abort()
