// Where a URI is in the file system, and whether that place can be opened.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "http/exchange.h"

namespace weir::http {

/// The file name for `uri` as `root` or `alias` says, and `name` after it, in the exchange's memory, followed by a NUL.
///
/// `uri`: normalised, or put together from variables. Nothing if it would lead out of the root (a `..` segment), if it
/// contains a NUL, or if an alias cannot be applied to it; the reason is logged.
std::optional<std::string_view> file_path(Exchange& exchange, std::string_view uri, std::string_view name = {});

/// The root or alias itself, evaluated, followed by a NUL.
std::string_view document_root(Exchange& exchange);

/// A file that is open for reading; closes it.
class OpenFile {
 public:
  OpenFile() = default;
  /// `path` must be followed by a NUL. Never waits, not even for the writer of a FIFO. `error` is an errno.
  static OpenFile open(std::string_view path, int& error);
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), info_(other.info_) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool is_directory() const { return S_ISDIR(info_.st_mode); }
  bool is_regular() const { return S_ISREG(info_.st_mode); }
  std::uint64_t size() const { return static_cast<std::uint64_t>(info_.st_size); }
  std::time_t modified() const { return info_.st_mtime; }

 private:
  int fd_ = -1;
  struct stat info_ {};
};

enum class PathKind : std::uint8_t { Missing, File, Directory, Other };
/// What `path` (followed by a NUL) is. `error`: why it is Missing.
PathKind kind_of(std::string_view path, int& error);

/// The status for a file that could not be opened, which is logged: 404, 403 or 500.
int status_of_open_error(Exchange& exchange, std::string_view path, int error);

}  // namespace weir::http
