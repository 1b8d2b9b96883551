// How an operation on a socket ended. Errors of peers are values, never exceptions.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>

namespace weir::net {

/// Nothing (`code` 0), an errno, or the end of the peer's bytes.
struct IoError {
  static constexpr int kEof = -1;

  int code = 0;

  explicit operator bool() const { return code != 0; }
  /// Not now: wait for readable() or writable(), then try again.
  bool would_block() const { return code == EAGAIN || code == EWOULDBLOCK; }
  /// The peer will send nothing more.
  bool is_eof() const { return code == kEof; }
  /// A wait's time limit passed (or TCP gave up on the peer).
  bool timed_out() const { return code == ETIMEDOUT; }
  /// `cancel()` or `close()` was called on the stream.
  bool canceled() const { return code == ECANCELED; }
  /// In nginx's form, for logs: `104: Connection reset by peer`.
  std::string message() const;

  friend bool operator==(const IoError&, const IoError&) = default;
};

/// What one attempt to move bytes did. `bytes` counts even beside an error.
struct IoResult {
  std::size_t bytes = 0;
  IoError error;
};

}  // namespace weir::net
