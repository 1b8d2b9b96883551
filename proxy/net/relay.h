// relay: move bytes between two streams until both sides have ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "net/buffer_pool.h"
#include "net/stream.h"
#include "net/task.h"

namespace weir::net {

/// Told while a relay is under way.
class RelayObserver {
 public:
  /// The first bytes of `b` came.
  virtual void on_first_from_b() = 0;

 protected:
  ~RelayObserver() = default;
};

/// Bytes of one direction, counted while they move.
struct RelayCount {
  std::uint64_t read = 0;       // from the one side
  std::uint64_t delivered = 0;  // to the other, RelayOptions' first bytes included
};

struct RelayOptions {
  std::chrono::milliseconds idle{0};     // give up when nothing moved in either direction for so long; 0: never
  BufferSize buffer = BufferSize::k64K;  // one for each direction, and only while bytes are in it
  std::string_view first_to_b{};         // bytes of `a` that were read before; sent to `b` first
  std::string_view first_to_a{};         // likewise
  bool half_close = true;                // false: the end of one side ends both, once its bytes are delivered
  bool splice = true;                    // bulk may go through a pipe, which holds up to 256 KiB a direction in the kernel
  std::uint64_t a_rate = 0, b_rate = 0;  // most bytes a second that are read from `a` and `b`; 0: no limit
  RelayCount* a_to_b = nullptr;          // counted here as well, from the beginning on
  RelayCount* b_to_a = nullptr;
  RelayObserver* observer = nullptr;
};

struct RelayResult {
  enum class Side : std::uint8_t { None, A, B };

  std::uint64_t a_to_b = 0;  // bytes delivered to `b`, first_to_b included
  std::uint64_t b_to_a = 0;
  IoError error;              // none when both directions ended in order; ETIMEDOUT when idle
  Side side = Side::None;     // whose socket failed
  bool on_send = false;       // it failed when it was sent to
  Side first_end = Side::None;  // whose bytes ended first
};

/// Moves bytes both ways. One buffer a direction bounds memory: a slow reader slows its writer. A direction whose reads
/// fill their buffers goes through a pipe (splice) until little comes at a time, if both streams are plain. The end of one
/// side's bytes is passed on (shutdown_send) when they are delivered; the other direction goes on. An error on either
/// side ends both. Does not close the streams. close() of both streams ends it with ECANCELED, cancel() or close() of one
/// only if that is waited for just then: it may be over, or held up by the other. No other coroutine may wait on the two
/// streams meanwhile; `options`' views must stay valid until it ends.
Task<RelayResult> relay(Stream& a, Stream& b, RelayOptions options);

}  // namespace weir::net
