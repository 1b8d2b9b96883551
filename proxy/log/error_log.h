// The error log, in nginx's form:
//   2026/03/14 09:26:53 [error] 4121#4123: *58 connect() failed (111: Connection refused), client: 10.0.0.9, …
//
// An entry is one write(2) to each target. Thread-safe once it is set up; a filtered level costs one comparison and
// its arguments are not formatted. Control characters in an entry are written as \x0A, so input cannot forge lines;
// an entry longer than kMaxEntry is cut.
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/level.h"
#include "log/log_file.h"
#include "log/syslog.h"

namespace weir::log {

class ErrorLog {
 public:
  static constexpr std::size_t kMaxEntry = 4096;  // bytes, with the newline

  /// A log without a target drops everything.
  ErrorLog() = default;
  /// To standard error, as before the configuration is read.
  static ErrorLog to_stderr(Level level);

  /// Adds a target that takes entries of `level` and graver. While setting up only.
  void add(std::shared_ptr<LogFile> file, Level level);
  void add(std::shared_ptr<Syslog> server, Level level);
  bool has_targets() const { return !targets_.empty(); }
  /// Whether some target takes this level.
  bool takes(Level level) const { return static_cast<int>(level) <= most_; }

  /// Writes one entry, unfiltered text. `connection`: its number, 0 for none.
  void write(Level level, std::uint64_t connection, std::string_view text) const;

 private:
  struct Target {
    std::shared_ptr<LogFile> file;  // or, if null:
    std::shared_ptr<Syslog> server;
    Level level;
  };
  void add(Target target);
  std::vector<Target> targets_;
  int most_ = -1;
};

/// What an entry is about: appended to the text, as `, client: 10.0.0.9, server: example.com`.
class Subject {
 public:
  /// Appends to `text`. Called only when the entry is written.
  virtual void describe(std::string& text) const = 0;
  /// The connection's number, 0 for none.
  virtual std::uint64_t connection() const = 0;
  /// The log of its own that the subject has, or null. It takes the place of the one that is given.
  virtual const ErrorLog* own_log() const { return nullptr; }

 protected:
  ~Subject() = default;
};

/// Formats and writes an entry whose level was checked; the functions below call it. Cold, so that what leads here lies
/// apart from what is done for each request.
[[gnu::cold]] void vwrite(const ErrorLog& log, Level level, const Subject* subject, fmt::string_view format, fmt::format_args args);

/// `log::write(log, Level::Error, "…{}…", x)`: formats and writes if the log takes the level.
template <class... Args>
void write(const ErrorLog& log, Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (log.takes(level)) vwrite(log, level, nullptr, format, fmt::make_format_args(args...));
}
/// The same, about `subject`.
template <class... Args>
void write(const ErrorLog& log, Level level, const Subject& subject, fmt::format_string<Args...> format,
           Args&&... args) {
  const ErrorLog* const own = subject.own_log();
  const ErrorLog& target = own ? *own : log;
  if (target.takes(level)) vwrite(target, level, &subject, format, fmt::make_format_args(args...));
}

// One function a level: `log::error(log, "…{}…", x)` and `log::error(log, subject, "…{}…", x)`.
#define WEIR_LOG_LEVEL(function, level)                                                                            \
  template <class... Args>                                                                                         \
  void function(const ErrorLog& log, fmt::format_string<Args...> format, Args&&... args) {                         \
    write(log, Level::level, format, std::forward<Args>(args)...);                                                 \
  }                                                                                                                \
  template <class... Args>                                                                                         \
  void function(const ErrorLog& log, const Subject& subject, fmt::format_string<Args...> format, Args&&... args) { \
    write(log, Level::level, subject, format, std::forward<Args>(args)...);                                        \
  }
WEIR_LOG_LEVEL(emerg, Emerg)
WEIR_LOG_LEVEL(alert, Alert)
WEIR_LOG_LEVEL(crit, Crit)
WEIR_LOG_LEVEL(error, Error)
WEIR_LOG_LEVEL(warn, Warn)
WEIR_LOG_LEVEL(notice, Notice)
WEIR_LOG_LEVEL(info, Info)
WEIR_LOG_LEVEL(debug, Debug)
#undef WEIR_LOG_LEVEL

}  // namespace weir::log
