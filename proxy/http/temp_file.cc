#include "http/temp_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

namespace weir::http {

namespace {

/// Names are ten digits, as nginx's: unique within the process, and a name that exists is never reused.
std::string next_name(const std::string& folder) {
  static std::atomic<std::uint32_t> serial{0};
  return fmt::format("{}/{:010}", folder, serial.fetch_add(1, std::memory_order_relaxed) + 1);
}

constexpr int kAttempts = 10'000;  // names of an earlier process may still be there

int open_nameless(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  // A file system without O_TMPFILE: a name for a moment.
  for (int i = 0; i < kAttempts; ++i) {
    const std::string path = next_name(folder);
    const int named = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (named >= 0) ::unlink(path.c_str());
    if (named >= 0 || errno != EEXIST) return named;
  }
  return -1;
}

}  // namespace

net::IoError TempFile::open(const std::string& folder) {
  close();
  fd_ = open_nameless(folder);
  if (fd_ < 0 && errno == ENOENT && (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST))
    fd_ = open_nameless(folder);
  if (fd_ < 0) return {errno};
  folder_ = folder;
  return {};
}

void TempFile::close() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!path_.empty() && !keeps_name_) ::unlink(path_.c_str());
  fd_ = -1;
  keeps_name_ = false;
  path_.clear();
}

net::IoError TempFile::write(std::uint64_t offset, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::pwrite(fd_, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return {written < 0 ? errno : ENOSPC};
    octets.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

net::IoResult TempFile::read(std::uint64_t offset, std::span<char> into) const {
  for (;;) {
    const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got > 0) return {static_cast<std::size_t>(got), {}};
    if (got < 0 && errno == EINTR) continue;
    return {0, {got < 0 ? errno : EIO}};
  }
}

const std::string& TempFile::name() {
  if (fd_ < 0 || !path_.empty() || folder_.empty()) return path_;
  const std::string self = fmt::format("/proc/self/fd/{}", fd_);
  for (int i = 0; i < kAttempts; ++i) {
    std::string path = next_name(folder_);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      path_ = std::move(path);
      break;
    }
    if (errno != EEXIST) break;
  }
  folder_.clear();
  return path_;
}

}  // namespace weir::http
