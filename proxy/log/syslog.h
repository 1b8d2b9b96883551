// Syslog: sends log entries to a syslog server, each as one datagram in the form of RFC 3164 that nginx uses:
//   <187>Mar 14 09:26:53 host tag: text
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "log/level.h"

namespace weir::log {

struct SyslogOptions {
  std::string name;  // of the server, as configured
  sockaddr_storage address{};
  socklen_t address_length = 0;
  unsigned facility = 23;  // local7
  Level severity = Level::Info;  // of entries that have none of their own
  std::string tag = "weir";
  bool with_hostname = true;
};

/// Thread-safe. Nothing is opened before the first entry, and nothing ever waits: what the socket does not take is lost,
/// and counted.
class Syslog {
 public:
  static constexpr std::size_t kMaxEntry = 65000;  // octets; the rest of a longer one is cut off

  explicit Syslog(SyslogOptions options);
  Syslog(const Syslog&) = delete;
  ~Syslog();

  /// Sends one entry, without its newline. Returns 0 or an errno.
  int send(Level severity, std::string_view text) noexcept;
  int send(std::string_view text) noexcept { return send(options_.severity, text); }

  /// Entries that could not be sent.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  /// Whether it is time to tell about lost entries: once a second.
  bool complaint_is_due() noexcept;
  const std::string& name() const { return options_.name; }

 private:
  int socket() noexcept;

  const SyslogOptions options_;
  const std::string hostname_;
  std::atomic<int> fd_{-1};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::chrono::steady_clock::rep> next_complaint_{0};
};

}  // namespace weir::log
