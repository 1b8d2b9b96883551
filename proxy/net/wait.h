// What a coroutine leaves with a stream while it waits. Included by stream.h.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>

#include "net/io_result.h"
#include "net/timers.h"

namespace weir::net {

class Stream;

enum class Direction : std::uint8_t { Read, Write };

/// One wait of one coroutine; lives in its frame.
struct Waiter {
  Stream* stream;
  std::coroutine_handle<> coroutine{};
  Waiter* other = nullptr;  // the second half of a wait_either
  TimePoint deadline = TimePoint::max();
  IoError error{};
  Direction direction;
  bool woken = false;
};

/// `co_await stream.readable(timeout)`: nothing when it is worth trying, ETIMEDOUT, ECANCELED.
class [[nodiscard]] Wait {
 public:
  inline Wait(Stream& stream, Direction direction, std::chrono::milliseconds timeout);
  inline bool await_ready() noexcept;
  inline void await_suspend(std::coroutine_handle<> coroutine);
  IoError await_resume() const noexcept { return waiter_.error; }

 private:
  Waiter waiter_;
};

/// One of the two conditions of a wait_either.
struct Condition {
  Stream& stream;
  Direction direction;
  std::chrono::milliseconds timeout{0};  // 0: none
};

/// How a wait_either ended: at least one of the two is set.
struct Either {
  bool first = false;  // the first condition ended the wait, well or with `error`
  bool second = false;
  IoError error;  // of the condition that ended it: none, ETIMEDOUT or ECANCELED
};

class [[nodiscard]] WaitEither {
 public:
  WaitEither(Condition first, Condition second);
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> coroutine);
  Either await_resume() const noexcept;

 private:
  Waiter first_;
  Waiter second_;
};

/// Waits until one of two things can be done; the other wait is then withdrawn. Both may be of the same stream if
/// their directions differ. Allocates nothing.
inline WaitEither wait_either(Condition first, Condition second) {
  return WaitEither(first, second);
}
/// The usual case: input from one stream, or room in another.
inline WaitEither wait_either(Stream& readable, Stream& writable,
                              std::chrono::milliseconds read_timeout = std::chrono::milliseconds{0},
                              std::chrono::milliseconds write_timeout = std::chrono::milliseconds{0}) {
  return WaitEither({readable, Direction::Read, read_timeout}, {writable, Direction::Write, write_timeout});
}

}  // namespace weir::net
