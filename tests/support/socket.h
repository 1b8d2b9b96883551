// One stream socket of a test: every call has a deadline, and how the peer ended is part of the answer.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "wait.h"

namespace weir::test {

struct SocketError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How an operation ended. `Closed` is an orderly end (FIN), `Reset` a broken one, `Interrupted` the test's own stop.
enum class IoStatus { Ok, Closed, Reset, Timeout, Interrupted };
const char* to_string(IoStatus status);

class Socket {
 public:
  Socket() = default;
  /// Takes over `fd` and makes it non-blocking.
  explicit Socket(int fd);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  /// Connects to `127.0.0.1:80`, `[::1]:80` or `unix:/path`. `receive_buffer`: SO_RCVBUF, 0 leaves the default.
  /// Throws SocketError if refused or late.
  static Socket connect(const std::string& address, milliseconds patience = kPatience, int receive_buffer = 0);
  /// Listens on such an address. Throws SocketError.
  static Socket listen(const std::string& address, int backlog = 512);

  /// Waits for a connection; an invalid socket if none came in time or the wait was interrupted.
  Socket accept(milliseconds patience);

  /// Appends to `into` what has arrived, at most `max` octets; waits for the first octet.
  IoStatus receive(std::string& into, std::size_t max = 65'536, milliseconds patience = kPatience);
  /// Sends all of `bytes`. `sent`, if given, tells how many octets the kernel took.
  IoStatus send(std::string_view bytes, milliseconds patience = kPatience, std::size_t* sent = nullptr);

  /// True once the peer's end or an error can be read within `patience`; octets that arrive meanwhile are dropped.
  bool ends_within(milliseconds patience);

  void shutdown_send();
  void close();
  /// Closes with a reset instead of an orderly end.
  void reset();

  /// A descriptor that makes every wait of this socket return `Interrupted` as soon as it is readable.
  void set_interrupt(int fd) { interrupt_ = fd; }

  bool valid() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  std::string local_address() const;

 private:
  IoStatus wait(short events, Clock::time_point deadline) const;

  int fd_ = -1;
  int interrupt_ = -1;
};

}  // namespace weir::test
