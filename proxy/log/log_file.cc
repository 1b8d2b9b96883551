#include "log/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weir::log {
namespace {

constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;

}  // namespace

LogFile::~LogFile() {
  if (fd_ != STDERR_FILENO) ::close(fd_);
}

int LogFile::write(std::string_view bytes, std::size_t* lost) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (lost) *lost = bytes.size();
      return errno;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (lost) *lost = 0;
  return 0;
}

int LogFile::reopen() noexcept {
  if (path_.empty()) return 0;
  // As private as the file before.
  struct stat before{};
  const mode_t mode = ::fstat(fd_, &before) == 0 ? before.st_mode & 0666 : 0600;
  const int fresh = ::open(path_.c_str(), kFlags, mode);
  if (fresh < 0) return errno;
  // Under the same number in one step: a write of another thread goes to the old file or to the new one.
  const int error = ::dup3(fresh, fd_, O_CLOEXEC) < 0 ? errno : 0;
  ::close(fresh);
  return error;
}

std::shared_ptr<LogFile> LogFiles::open(const std::string& path, int& error) {
  error = 0;
  const bool to_stderr = path.empty() || path == "stderr";
  const std::string name = to_stderr ? std::string() : path;
  const std::lock_guard lock(mutex_);
  std::erase_if(files_, [](const auto& file) { return file.expired(); });
  for (const auto& weak : files_)
    if (auto file = weak.lock(); file && file->path() == name) return file;
  const int fd = to_stderr ? STDERR_FILENO : ::open(name.c_str(), kFlags, 0644);
  if (fd < 0) {
    error = errno;
    return nullptr;
  }
  auto file = std::make_shared<LogFile>(name, fd);
  files_.push_back(file);
  return file;
}

std::vector<std::shared_ptr<LogFile>> LogFiles::in_use() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<LogFile>> files;
  for (const auto& weak : files_)
    if (auto file = weak.lock()) files.push_back(std::move(file));
  return files;
}

}  // namespace weir::log
