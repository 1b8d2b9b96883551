// A file that the keys of TLS connections are written to (`ssl_key_log`), in the format that Wireshark reads.
//
// One for each path of the process; found by that, it outlives reloads. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;

namespace weir::log {
class LogFile;
}

namespace weir::net {

class TlsKeyLog {
 public:
  /// The one with this path, made if there is none. It is not open yet.
  static std::shared_ptr<TlsKeyLog> of(const std::string& path);
  /// All that are in use in this process.
  static std::vector<std::shared_ptr<TlsKeyLog>> all();

  explicit TlsKeyLog(std::string path) : path_(std::move(path)) {}
  TlsKeyLog(const TlsKeyLog&) = delete;
  ~TlsKeyLog();

  const std::string& path() const { return path_; }
  /// Opens the file unless it is open; made, it is its owner's alone. Returns 0 or an errno.
  int open();
  /// Goes on in a new file if the old one was moved away. Returns 0 or an errno.
  int reopen();
  /// Appends a line. What cannot be written is lost.
  void write(std::string_view line);

  /// Has the keys of the context's connections written here.
  static void use(ssl_ctx_st* context, const std::shared_ptr<TlsKeyLog>& log);

 private:
  const std::string path_;
  std::mutex mutex_;  // of the next
  std::shared_ptr<log::LogFile> file_;
};

}  // namespace weir::net
