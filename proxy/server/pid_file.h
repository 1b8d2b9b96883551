// The file that tells `weir -s …`, scripts and service managers which process to signal.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace weir::server {

/// Owns one pid file: written when made, removed when destroyed.
///
/// Removal leaves alone a file that meanwhile names another process. Not for concurrent use.
class PidFile {
 public:
  PidFile() = default;
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&& other) noexcept;
  ~PidFile();

  /// Writes this process's id to `path`, in place of what is there.
  ///
  /// To be called when the listening sockets are open: whoever sees the file may send the first request. The file
  /// appears whole (written beside, then renamed), so a reader never sees an empty one.
  /// Throws `std::runtime_error` in nginx's words, e.g. `open() "/run/weir.pid" failed (13: Permission denied)`.
  static PidFile write(std::string path);

  /// Removes the file now.
  void remove() noexcept;

  const std::string& path() const { return path_; }

 private:
  std::string path_;  // empty: owns nothing
  pid_t pid_ = 0;
};

/// Reads the process id in a pid file.
/// Throws `std::runtime_error` in nginx's words if the file cannot be read or holds no positive number.
pid_t read_pid_file(const std::string& path);

}  // namespace weir::server
