// Waiting for a condition with a deadline, the only way a test waits for something it does not read itself.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace weir::test {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long one step of a test may take before it counts as hung; generous, as sanitizer builds share two cores.
inline constexpr milliseconds kPatience{15'000};

/// Calls `condition` until it holds or `patience` has passed, looking every few milliseconds.
/// Returns what `condition` said last.
template <class Condition>
bool wait_until(Condition&& condition, milliseconds patience = kPatience) {
  const auto deadline = Clock::now() + patience;
  for (auto pause = std::chrono::microseconds(500);;
       pause = std::min<std::chrono::microseconds>(pause * 2, milliseconds(20))) {
    if (condition()) return true;
    if (Clock::now() >= deadline) return static_cast<bool>(condition());
    std::this_thread::sleep_for(pause);
  }
}

/// Measures from construction.
class Stopwatch {
 public:
  milliseconds elapsed() const { return std::chrono::duration_cast<milliseconds>(Clock::now() - start_); }

 private:
  Clock::time_point start_ = Clock::now();
};

}  // namespace weir::test
