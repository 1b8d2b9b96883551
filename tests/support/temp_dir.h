// A folder under the system's temporary folder that is removed with everything in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace weir::test {

class TempDir {
 public:
  /// Makes `/tmp/weir-<label>-XXXXXX`. Throws std::system_error when that is impossible.
  explicit TempDir(std::string_view label = "test");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Leaves the folder behind, for a look after a failure.
  void keep() { keep_ = true; }

  /// Writes `text` to `name` inside the folder, replacing what was there. Returns the full path.
  std::string write(const std::string& name, std::string_view text) const;
  /// The text of `name` inside the folder; empty if there is no such file.
  std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
  bool keep_ = false;
};

/// The text of the file at `path`; empty if it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace weir::test
