// Whether and how code may use AVX2: functions marked WEIR_AVX2, called only if `kHasAvx2`. Only for the .cc files that scan.
#pragma once

// ThreadSanitizer cannot know that a vector load of atomics is a load of each of them.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_THREAD__)
#define WEIR_HAS_VECTORS 1
#include <immintrin.h>

#define WEIR_AVX2 [[gnu::target("avx2")]]
#define WEIR_UNROLL _Pragma("GCC unroll 8")  // so that all vectors stay in registers

namespace weir::balancer {

inline const bool kHasAvx2 = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}();

}  // namespace weir::balancer
#endif
