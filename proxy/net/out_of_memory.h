// What happens when memory cannot be had: whoever wanted it is given up - a connection, a session, a lookup -, and
// everything else goes on. Nobody has to answer for it there; it is counted, and the log says how often.
#pragma once

#include <cstdint>
#include <new>

namespace weir::net {

class OutOfMemory {
 public:
  /// Something was given up on this thread.
  static void note() noexcept { ++count_; }
  /// How often that was, on this thread.
  static std::uint64_t count() noexcept { return count_; }

  /// Runs `work`. False if memory ran out in it, which is noted; other exceptions pass.
  template <class Work>
  static bool unless(Work&& work) {
    try {
      work();
      return true;
    } catch (const std::bad_alloc&) {
      note();
      return false;
    }
  }

 private:
  static inline constinit thread_local std::uint64_t count_ = 0;
};

}  // namespace weir::net
