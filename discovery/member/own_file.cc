// Files that decide who gets traffic: written whole, read only if nobody else may write them.
#include "member/membership_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace weir::discovery {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  const int fd_;
};

std::string failed(const std::string& what, const std::string& path) {
  return what + " \"" + path + "\": " + std::generic_category().message(errno);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string replace_file(const std::string& path, std::string_view text) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot make", folder);
  const std::string fresh = path + ".new";
  // Left by one who did not come to rename it; only one process writes under a path.
  ::unlink(fresh.c_str());
  {
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return failed("cannot create", fresh);
    if (!write_all(file.get(), text) || ::fsync(file.get()) != 0) {
      std::string error = failed("cannot write", fresh);
      ::unlink(fresh.c_str());
      return error;
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("cannot rename to", path);
  const Descriptor directory(::open(folder.empty() ? "/" : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return {};
}

std::optional<std::string> read_own_file(const std::string& path, std::size_t longest, std::string& error) {
  error.clear();
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno != ENOENT) error = failed("cannot open", path);
    return std::nullopt;
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) {
    error = failed("cannot look at", path);
    return std::nullopt;
  }
  if (!S_ISREG(facts.st_mode)) error = "\"" + path + "\" is not a regular file";
  else if (facts.st_uid != ::geteuid() && facts.st_uid != 0) error = "\"" + path + "\" belongs to somebody else";
  else if ((facts.st_mode & 022) != 0) error = "\"" + path + "\" may be written by others";
  else if (facts.st_size < 0 || static_cast<std::size_t>(facts.st_size) > longest) error = "\"" + path + "\" is too long";
  if (!error.empty()) return std::nullopt;
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + got, text.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      error = failed("cannot read", path);
      return std::nullopt;
    }
    got += static_cast<std::size_t>(count);
  }
  return text;
}

}  // namespace weir::discovery
