// Passive health of one backend: what nginx's max_fails and fail_timeout mean.
//
// After `max_fails` failures the backend is marked. It then rests for `fail_timeout`, after which one request may try
// it (a check): success lifts the mark, failure starts another rest. A failure is forgotten when a check succeeds.
//
// Thread safety: everything may be called from any thread at once. Nothing waits.
#pragma once

#include <weir/balancer/member.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir::balancer {

class Health {
 public:
  enum class Admission : std::uint8_t {
    Ordinary,  // nothing is held against the backend, or not yet enough
    Check,     // this request finds out whether the backend works again
    Refused,   // marked, and it is not time for a check
  };

  /// Takes new settings. `max_fails` 0: never marked.
  void configure(std::uint32_t max_fails, std::chrono::milliseconds fail_timeout) noexcept;

  /// Asks whether a request may use the backend at `now`. Of several threads asking when a check is due, one gets it.
  Admission admit(TimePoint now) noexcept {
    return fails_.load(std::memory_order_relaxed) == 0 ? Admission::Ordinary : admit_after_failures(now);
  }

  /// Makes the request that starts at `now` a check, due or not.
  void begin_check(TimePoint now) noexcept;

  /// Notes a failure at `now`. Returns whether the backend is marked now.
  bool failed(TimePoint now) noexcept;

  /// As many failures at once as mark it. Returns whether it is marked now.
  bool mark(TimePoint now) noexcept;

  /// Forgets all failures: a check succeeded.
  void recovered() noexcept { fails_.store(0, std::memory_order_release); }

  /// Whether the backend has failed as often as it may.
  bool is_marked() const noexcept;

  /// When a marked backend may be checked.
  TimePoint check_due() const noexcept;

  /// When the backend last failed or was last checked; the clock's epoch if never.
  TimePoint last_checked() const noexcept;

 private:
  Admission admit_after_failures(TimePoint now) noexcept;

  std::atomic<std::uint32_t> fails_{0};
  std::atomic<std::uint32_t> max_fails_{1};
  std::atomic<Clock::rep> fail_timeout_{0};  // in Clock::duration
  std::atomic<Clock::rep> checked_{0};       // last failure or check, since the clock's epoch
};

}  // namespace weir::balancer
