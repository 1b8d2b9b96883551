// A file for octets that do not fit into memory: without a name unless one is asked for, and gone when it is closed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/io_result.h"

namespace weir::http {

class TempFile {
 public:
  TempFile() = default;
  TempFile(const TempFile&) = delete;
  ~TempFile() { close(); }

  /// Creates the file in `folder`, which is made if it is not there (but not its parents).
  net::IoError open(const std::string& folder);
  bool is_open() const { return fd_ >= 0; }
  void close();

  /// Writes all of `octets` at `offset`.
  net::IoError write(std::uint64_t offset, std::string_view octets);
  /// Reads up to `into.size()` octets from `offset`. Finding none is an error (EIO): who asks knows what was written.
  net::IoResult read(std::uint64_t offset, std::span<char> into) const;

  /// Gives the file a name in its folder, the path of which is returned (empty: it could not be done). The name goes
  /// with the file, unless `keep_name` is called.
  const std::string& name();
  void keep_name() { keeps_name_ = true; }

 private:
  int fd_ = -1;
  bool keeps_name_ = false;
  std::string folder_;  // empty once the file has a name
  std::string path_;
};

}  // namespace weir::http
