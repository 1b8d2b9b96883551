// Stream: a byte stream to one peer over one non-blocking socket; the seam behind which TLS can stand.
//
// The loop's readiness set reports changes; a stream remembers them in flags. `readable()` and `writable()` are ready
// at once while the flag is set, so the pattern is: wait, try, and on would_block wait again. A read that came back
// short clears the flag (nothing is left; the kernel reports what comes later), unless the peer has closed, when
// reading goes on until the end is seen, or has sent urgent data (MSG_OOB): a read ends before it, whatever follows. Urgent
// data itself is dropped. A fresh accepted stream counts as readable and writable, so the first try
// costs no wait.
//
// At most one coroutine waits in each direction. A stream must not be destroyed while one waits on it: cancel() or
// close() first, and let it run. All of it belongs to the loop's thread. 104 bytes, no buffer.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <typeinfo>

#include "net/io_result.h"
#include "net/loop.h"
#include "net/owned_fd.h"
#include "net/readiness_set.h"
#include "net/timers.h"
#include "net/wait.h"

namespace weir::net {

class Stream;
class TlsFacts;

/// Told about a stream on which nobody waits: a pooled connection that the backend closes, a client that goes away
/// while its backend is slow.
class StreamWatcher {
 public:
  /// Input, end of input or an error arrived, and no coroutine waits for reading; or the stream was closed on our side
  /// (a moment later). Called from the loop; may do anything with the stream, also destroy it. Called again for each
  /// later event.
  virtual void on_event(Stream& stream) = 0;

 protected:
  ~StreamWatcher() = default;
};

class Stream : private ReadinessHandler, private Timer {
 public:
  enum class Start : std::uint8_t { Connected, Connecting };

  /// `fd`: a non-blocking socket; it stays the caller's if memory runs out here. `Connecting`: a connect is under way,
  /// writable() tells its end. If the kernel refuses to watch one more descriptor, the stream starts closed and every
  /// attempt returns the reason.
  Stream(Loop& loop, OwnedFd&& fd, Start start = Start::Connected);
  Stream(Loop& loop, int fd, Start start = Start::Connected) : Stream(loop, OwnedFd(fd), start) {}
  /// Closes the socket. Nobody may be waiting.
  ~Stream() override;

  /// Reads what is there, at most `into.size()` bytes. Error: would_block, is_eof, or an errno. Never waits, and makes
  /// no system call while input_pending() says that there is nothing.
  virtual IoResult try_read(std::span<char> into);
  /// Sends what fits of `parts`, in order, in one system call. Error: would_block when not all fitted, or an errno
  /// (EPIPE, ECONNRESET); `bytes` counts what was sent beside it. Never waits. At most IOV_MAX parts. After
  /// would_block the next attempt has to go on with the bytes that were not sent.
  virtual IoResult try_write(std::span<const iovec> parts);
  /// The same for one piece.
  virtual IoResult try_write(std::string_view bytes);

  /// From now on nothing is sent but the last octets: the system may keep them back so that they leave in one packet with
  /// the end. shutdown_send() or close() has to follow at once; unread input would make close() drop them.
  void send_with_end() { flags_ |= kEnding; }

  /// `co_await` it: waits until try_read is worth a call, or `timeout` passes (0: no limit).
  Wait readable(std::chrono::milliseconds timeout = std::chrono::milliseconds{0}) {
    return {*this, Direction::Read, timeout};
  }
  /// `co_await` it: waits until try_write is worth a call, or `timeout` passes (0: no limit).
  Wait writable(std::chrono::milliseconds timeout = std::chrono::milliseconds{0}) {
    return Wait(*this, Direction::Write, timeout);
  }

  /// Wakes whoever waits with ECANCELED, through the loop at the end of this turn, never inline: safe to call from a
  /// watcher, a timer or the other coroutine. Later waits are not affected.
  void cancel();
  /// No more bytes from us (FIN; the close alert in TLS). Reading goes on. would_block: the alert finds no room, so call it
  /// again when there may be some.
  virtual IoError shutdown_send();
  /// Wakes whoever waits with ECANCELED (as cancel) and closes the socket. Every later attempt or wait gives
  /// ECANCELED.
  void close();
  /// As close(), but the peer sees a reset instead of an orderly end, and unsent bytes are dropped.
  void abort();
  /// Gives the socket to the caller, still open, with everything that nobody has read in it. The stream is closed then, and
  /// nobody may wait on it. Only if nothing of the peer's is held back here, as TLS would. None if it is closed.
  OwnedFd release();

  /// Whether octets go to and come from the socket as they are, so that the kernel may move them.
  bool is_plain() const { return typeid(*this) == typeid(Stream); }
  /// Whether the kernel may move what comes from it: splice does not get past urgent data, as reading does.
  bool can_splice_from() const { return is_plain() && (flags_ & kUrgent) == 0; }
  /// For Pipe: moves at most `most` octets into, or out of, the end of a pipe. Only if `is_plain()`. Errors as try_read and
  /// try_write, but a would_block of try_splice_to may also mean that the pipe is full: only the caller knows, and says
  /// note_dry() if it was the stream that had nothing. is_eof may mean that urgent data comes next: what try_read says holds.
  IoResult try_splice_to(int pipe, std::size_t most);
  IoResult try_splice_from(int pipe, std::size_t most);
  void note_dry() {
    if (!peer_closed()) clear_ready(kIn);
  }

  /// Calls `watcher` for events on which no coroutine waits; null ends it. What arrived earlier is not reported: look
  /// at input_pending() first.
  void watch(StreamWatcher* watcher);

  /// Whether try_read is worth a call now.
  bool input_pending() const { return is_ready(Direction::Read); }
  /// Whether the peer has ended its side, the connection broke, or we closed it. Bytes may still be there to be read.
  bool peer_closed() const { return (flags_ & kPeerClosed) != 0; }
  /// Whether the connection is dead in both directions.
  bool broken() const { return (flags_ & kBroken) != 0; }
  bool is_open() const { return fd_ >= 0; }
  /// What there is to know about encryption; null: there is none.
  virtual const TlsFacts* tls() const { return nullptr; }
  /// Fetches and clears the socket's pending error (SO_ERROR).
  IoError take_error();

  /// -1 when closed.
  int fd() const { return fd_ >= 0 ? fd_ : -1; }
  Loop& loop() const { return loop_; }

 protected:
  // For transports that wrap the socket (TLS), whose reading may need room to write and the reverse.
  static constexpr std::uint8_t kIn = 1;   // the socket may have input
  static constexpr std::uint8_t kOut = 2;  // the socket may have room

  /// What wakes readable() (default kIn) and writable() (default kOut) from now on.
  void set_wants(Direction direction, std::uint8_t bits) { wants_[static_cast<int>(direction)] = bits; }
  void set_ready(std::uint8_t bits) { flags_ |= bits; }
  /// The end follows what is sent (`send_with_end`).
  bool is_ending() const { return (flags_ & kEnding) != 0; }
  bool has_ready(std::uint8_t bits) const { return (flags_ & bits) != 0; }
  void clear_ready(std::uint8_t bits) { flags_ &= static_cast<std::uint8_t>(~bits); }
  /// After a read that came back short.
  void note_short_read() {
    if (!(flags_ & (kPeerClosed | kUrgent))) clear_ready(kIn);
  }
  bool is_ready(Direction direction) const { return (flags_ & wants_[static_cast<int>(direction)]) != 0; }
  /// close() is about to close the socket: the time for a goodbye. Not called by abort() and the destructor.
  virtual void before_close() {}

 private:
  friend class Loop;
  friend class Wait;
  friend class WaitEither;
  static constexpr std::uint8_t kPeerClosed = 4;
  static constexpr std::uint8_t kBroken = 8;
  static constexpr std::uint8_t kEnding = 16;  // what is sent is the last
  static constexpr std::uint8_t kUrgent = 32;  // the peer has sent urgent data

  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  Stream* as_stream() override { return this; }
  TimePoint deadline_after(std::chrono::milliseconds timeout) const {
    return timeout.count() > 0 ? loop_.now() + timeout : TimePoint::max();
  }
  void begin_wait(Waiter& waiter);
  void end_wait(Waiter& waiter, IoError error);
  void withdraw(Waiter& waiter);
  int send_flags() const;
  IoResult wrote(std::ptrdiff_t sent, std::size_t wanted);
  void release_descriptor();
  void end();

  Loop& loop_;
  StreamWatcher* watcher_ = nullptr;
  Waiter* waiters_[2] = {nullptr, nullptr};  // by Direction; the timer may fire before their deadlines
  int fd_;  // negative: closed, and minus the errno that attempts return
  ReadinessSet::Slot slot_ = 0;
  std::uint8_t flags_;
  std::uint8_t wants_[2] = {kIn, kOut};
};

Wait::Wait(Stream& stream, Direction direction, std::chrono::milliseconds timeout)
    : waiter_{.stream = &stream, .deadline = stream.deadline_after(timeout), .direction = direction} {}

bool Wait::await_ready() noexcept {
  Stream& stream = *waiter_.stream;
  if (stream.fd_ < 0) {
    waiter_.error = {-stream.fd_};
    return true;
  }
  return stream.is_ready(waiter_.direction);
}

void Wait::await_suspend(std::coroutine_handle<> coroutine) {
  waiter_.coroutine = coroutine;
  waiter_.stream->begin_wait(waiter_);
}

}  // namespace weir::net
