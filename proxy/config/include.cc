#include "config/include.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::config {
namespace {

FileError failed(std::string_view call, std::string_view path, int error) {
  return {fmt::format("{} \"{}\" failed ({}: {})", call, path, error, std::strerror(error))};
}

/// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::variant<std::string, FileError> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failed("open()", path, errno);
  std::string text;
  char block[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read()", path, errno);
    text.append(block, static_cast<std::size_t>(got));
    if (text.size() > max_bytes)
      return FileError{fmt::format("\"{}\" is larger than {} bytes, this is no configuration", path, max_bytes)};
  }
}

std::variant<std::vector<std::string>, FileError> expand_include(std::string_view argument,
                                                                 const std::filesystem::path& directory) {
  // The system would take such a name as ending at the NUL, and open something else.
  if (argument.empty() || argument.find('\0') != argument.npos) return FileError{"invalid name of an included file"};
  const std::string full = (directory / argument).string();  // an absolute argument replaces the directory
  if (full.find_first_of("*?[") == full.npos) return std::vector{full};

  glob_t found{};
  const int result = ::glob(full.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths;
  if (result == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (result == 0 || result == GLOB_NOMATCH) return paths;
  return failed("glob()", full, result == GLOB_NOSPACE ? ENOMEM : EIO);
}

}  // namespace weir::config
