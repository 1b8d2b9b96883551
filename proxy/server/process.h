// The process itself: signals as they must be at the start, the limit on descriptors, leaving the terminal.
//
// Everything here is to be called before the first thread is started.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "server/command_line.h"

namespace weir::server {

/// The signal by which a running Weir is told `control`: TERM, QUIT, USR1 or HUP, as nginx's.
int signal_number(Control control);

/// Sends `control` to process `pid`.
/// Throws `std::runtime_error` in nginx's words, e.g. `kill(4121, 1) failed (3: No such process)`.
void send_control(pid_t pid, Control control);

/// Undoes what a careless parent leaves behind: default handling and no blocking of the signals Weir uses, and
/// SIGPIPE ignored, because a closed peer is reported by the write that meets it.
void reset_signals();

/// Makes room for descriptors: with `wanted` (worker_rlimit_nofile) sets both limits to it, without raises the soft
/// limit to the hard one. Returns the soft limit then in force.
/// Throws `std::runtime_error`, e.g. `setrlimit(RLIMIT_NOFILE, 100000) failed (1: Operation not permitted)`.
std::uint64_t set_descriptor_limit(std::optional<std::uint64_t> wanted);

/// Opens /dev/null for any of the descriptors 0, 1 and 2 that is closed. Must come before anything is opened:
/// otherwise a listening socket may become number 2 and receive error messages.
void ensure_standard_streams();

/// Goes into the background in such a way that the caller's shell learns whether the start succeeded.
///
/// `daemonize` forks. The parent stays in the foreground, waits, and exits by itself: with 0 when the child calls
/// `ready`, with 1 when the child ends before that. Until then the child still has the terminal, so an error it
/// prints is seen. A process that never daemonized can own a default-constructed one, whose `ready` does nothing.
class Background {
 public:
  Background() = default;
  Background(Background&& other) noexcept;
  Background& operator=(Background&& other) noexcept;
  ~Background();

  /// Returns only in the child, which leads a new session. Objects of the parent are not destroyed (it leaves by
  /// `_exit`), so files and sockets opened before stay as they are for the child.
  /// Throws `std::runtime_error` if the system refuses.
  static Background daemonize();

  /// Start-up succeeded: lets the parent exit with 0 and connects the standard streams to /dev/null.
  /// `keep_stderr`: leave the error stream, for `error_log stderr`.
  void ready(bool keep_stderr);

 private:
  int notify_ = -1;  // write end of the pipe the parent waits on
};

/// nginx's form for a failed system call, from what was called and its errno: `open() "x" failed (13: Permission
/// denied)`.
std::string system_error_text(const std::string& what, int error_number);

}  // namespace weir::server
