// Passive health of one backend: what nginx's max_fails and fail_timeout mean.
//
// After `max_fails` failures within any `fail_timeout` the backend is marked. It then rests for `fail_timeout`, after
// which one request may try it (a check): success lifts the mark, failure starts another rest. The window slides: a
// failure counts for exactly `fail_timeout`, whatever else happens meanwhile. nginx forgets all at once instead.
//
// Thread safety: everything may be called from any thread at once. Nothing waits.
#pragma once

#include <weir/balancer/member.h>

#include <array>
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

  Health() noexcept;

  /// Takes new settings. `max_fails` 0: never marked. More than 16 are counted in equal batches, and rounded up.
  void configure(std::uint32_t max_fails, std::chrono::milliseconds fail_timeout) noexcept;

  /// Asks whether a request may use the backend at `now`. Of several threads asking when a check is due, one gets it.
  Admission admit(TimePoint now) noexcept { return is_marked() ? admit_marked(now) : Admission::Ordinary; }

  /// Makes the request that starts at `now` a check, due or not.
  void begin_check(TimePoint now) noexcept;

  /// Notes a failure at `now`. Returns whether the backend is marked now.
  bool failed(TimePoint now) noexcept;

  /// As many failures at once as mark it. Returns whether it is marked now.
  bool mark(TimePoint now) noexcept;

  /// Forgets all failures: a check succeeded.
  void recovered() noexcept;

  /// Whether the backend has failed as often as it may.
  bool is_marked() const noexcept { return marked_.load(std::memory_order_acquire); }

  Clock::duration fail_timeout() const noexcept {
    return Clock::duration(fail_timeout_.load(std::memory_order_relaxed));
  }

  /// When a marked backend may be checked.
  TimePoint check_due() const noexcept;

  /// When the backend last failed or was last checked; the clock's epoch if never.
  TimePoint last_checked() const noexcept;

 private:
  static constexpr std::uint32_t kMostKept = 16;

  Admission admit_marked(TimePoint now) noexcept;

  std::atomic<bool> marked_{false};
  std::atomic<std::uint32_t> max_fails_{1};
  std::atomic<Clock::rep> fail_timeout_{0};  // in Clock::duration
  std::atomic<Clock::rep> checked_{0};       // last failure or check, since the clock's epoch
  std::atomic<std::uint32_t> fails_{0};      // ever
  std::array<std::atomic<Clock::rep>, kMostKept> kept_;  // when the last ones came, or the last of each batch
};

}  // namespace weir::balancer
