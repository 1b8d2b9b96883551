// What is wrong, or worth knowing, about a configuration. Collected rather than thrown, so that one run of `-t`
// reports everything.
//
// Not thread-safe: one load, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/statement.h"

namespace weir::config {

/// Emerg stops the start (or the reload); the others do not.
enum class Severity : std::uint8_t { Emerg, Warn, Notice };

struct Diagnostic {
  Severity severity = Severity::Emerg;
  std::string message;
  Position at;
};

class Diagnostics {
 public:
  /// How many errors are kept; a file of another kind (a binary, a log) should not print for minutes.
  static constexpr std::size_t kMaxErrors = 200;

  void error(const Position& at, std::string message) { add(Severity::Emerg, at, std::move(message)); }
  void warn(const Position& at, std::string message) { add(Severity::Warn, at, std::move(message)); }
  void notice(const Position& at, std::string message) { add(Severity::Notice, at, std::move(message)); }

  bool has_errors() const { return errors_ != 0; }
  /// How many errors were reported, those that are no longer kept included.
  std::size_t error_count() const { return errors_; }
  /// Everything that was kept, in the order in which it was found.
  std::span<const Diagnostic> all() const { return all_; }

  /// One line for each diagnostic, such as `weir: [emerg] unknown directive "foo" in /etc/weir/weir.conf:12`.
  ///
  /// `prefix`: put before each line, such as `weir: `.
  /// `least`: what is less severe than this is left out.
  std::string to_text(std::string_view prefix, Severity least = Severity::Notice) const;

 private:
  void add(Severity severity, const Position& at, std::string message);

  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
  std::size_t others_ = 0;
};

/// `[emerg] unknown directive "foo" in /etc/weir/weir.conf:12`: nginx's form.
std::string to_text(const Diagnostic& diagnostic);
/// ` in /etc/weir/weir.conf:12`, ` in command line`, or nothing if there is no position.
std::string to_text(const Position& at);
/// `emerg`, `warn` or `notice`.
std::string_view to_text(Severity severity);

}  // namespace weir::config
