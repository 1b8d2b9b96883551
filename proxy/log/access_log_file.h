// AccessLogFile: one worker's way to an access log.
//
// Lines collect in a buffer and are written by one write(2) when the worker's turn ends (the worker calls flush) or
// when the buffer is full, always whole lines, so several workers can share a file. One thread; the LogFile behind it
// is shared.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "log/error_log.h"
#include "log/log_file.h"

namespace weir::log {

class AccessLogFile {
 public:
  static constexpr std::size_t kDefaultCapacity = 64 * 1024;

  /// `complaints` is told about lost lines, at most once a second; it must outlive this. `capacity`: bytes that may
  /// be waiting; the memory is taken at the first line.
  AccessLogFile(std::shared_ptr<LogFile> file, const ErrorLog& complaints, std::size_t capacity = kDefaultCapacity);
  AccessLogFile(AccessLogFile&&) = default;
  /// Flushes.
  ~AccessLogFile();

  /// Adds one line; `line` ends with its newline. Longer than the buffer: written at once.
  void append(std::string_view line) {
    if (buffer_.size() + line.size() > capacity_) return append_slow(line);
    buffer_.append(line);
  }
  /// From now on `capacity` octets may wait for the buffer to be full; 0: for the end of the turn.
  void hold_back(std::size_t capacity) {
    holds_back_ = capacity != 0;
    capacity_ = holds_back_ ? capacity : kDefaultCapacity;
  }
  /// Writes what has collected, unless it may wait.
  void end_turn() {
    if (!holds_back_) flush();
  }
  /// Writes what has collected. A line that cannot be written (a full disk) is lost, counted and complained about.
  void flush() {
    if (!buffer_.empty()) flush_now();
  }
  /// Bytes waiting to be written.
  std::size_t pending() const { return buffer_.size(); }
  /// Bytes that could not be written since the start.
  std::uint64_t lost() const { return lost_; }
  const std::string& path() const { return file_->path(); }

 private:
  void append_slow(std::string_view line);
  void flush_now();
  void write(std::string_view bytes);

  std::shared_ptr<LogFile> file_;
  const ErrorLog* complaints_;
  std::size_t capacity_;
  bool holds_back_ = false;
  std::string buffer_;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_reported_ = 0;
  std::chrono::steady_clock::time_point last_complaint_{};
};

}  // namespace weir::log
