// LogFile: a file that many threads append to, and that can be reopened under them. LogFiles: all of a process.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::log {

/// Opened with O_APPEND, so whole writes of several threads (and processes) do not mix. Thread-safe.
class LogFile {
 public:
  /// Takes over `fd`; `path` is what reopen() opens (empty: it does nothing).
  LogFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Appends `bytes` with one write(2) (more only after a signal or a partial write). Returns 0, or an errno and sets
  /// `lost` to the number of bytes not written.
  int write(std::string_view bytes, std::size_t* lost = nullptr) noexcept;
  /// Opens the path again (it may have been moved away) and goes on there; returns 0 or an errno, and then goes on
  /// with the old file. Writers need not stop: the descriptor's number stays.
  int reopen() noexcept;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const int fd_;
};

/// The open log files by path: who opens the same path twice shares one. Thread-safe.
class LogFiles {
 public:
  /// Opens `path` for appending (created with mode 0644) or shares it. `stderr` and empty mean standard error. Null
  /// and `error` (an errno) if it cannot be opened.
  std::shared_ptr<LogFile> open(const std::string& path, int& error);
  /// Reopens all that are in use. `failed(path, errno)` is told about each that could not be.
  template <class Failed>
  void reopen(Failed failed) {
    for (const std::shared_ptr<LogFile>& file : in_use())
      if (const int error = file->reopen()) failed(file->path(), error);
  }

 private:
  std::vector<std::shared_ptr<LogFile>> in_use();

  std::mutex mutex_;
  std::vector<std::weak_ptr<LogFile>> files_;
};

}  // namespace weir::log
