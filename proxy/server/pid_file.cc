#include "server/pid_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "server/process.h"

namespace weir::server {
namespace {

[[noreturn]] void fail(std::string_view call, const std::string& path, int error_number) {
  throw std::runtime_error(system_error_text(fmt::format("{} \"{}\"", call, path), error_number));
}

/// The first bytes of a file; a pid needs no more. Throws as `read_pid_file` does.
std::string read_start(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open()", path, errno);
  char bytes[32];
  const ssize_t got = read(fd, bytes, sizeof bytes);
  const int error_number = errno;
  close(fd);
  if (got < 0) fail("read()", path, error_number);
  return std::string(bytes, static_cast<std::size_t>(got));
}

/// Replaces `path` at once, so that a reader sees the old text or the new one.
void write_whole(const std::string& path, const std::string& text) {
  const std::string beside = fmt::format("{}.{}", path, getpid());
  // O_EXCL after an unlink: never write through a link that somebody left in a shared folder.
  unlink(beside.c_str());
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) fail("open()", path, errno);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int write_error = errno;
  close(fd);
  if (!written || rename(beside.c_str(), path.c_str()) != 0) {
    const int error_number = written ? errno : write_error;
    unlink(beside.c_str());
    fail(written ? "rename()" : "write()", path, error_number);
  }
}

}  // namespace

PidFile::PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})), pid_(other.pid_) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  if (this == &other) return *this;
  // The same file written again must survive the old owner.
  if (path_ != other.path_) remove();
  path_ = std::exchange(other.path_, {});
  pid_ = other.pid_;
  return *this;
}

PidFile::~PidFile() {
  remove();
}

PidFile PidFile::write(std::string path) {
  PidFile file;
  file.pid_ = getpid();
  write_whole(path, fmt::format("{}\n", file.pid_));
  file.path_ = std::move(path);
  return file;
}

void PidFile::remove() noexcept {
  const std::string path = std::exchange(path_, {});
  if (path.empty()) return;
  try {
    if (read_pid_file(path) == pid_) unlink(path.c_str());
  } catch (const std::exception&) {
    // Gone or overwritten: not ours any more.
  }
}

pid_t read_pid_file(const std::string& path) {
  std::string text = read_start(path);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  // 0 and negative numbers would make kill() reach whole groups of processes.
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0)
    throw std::runtime_error(fmt::format("invalid PID number \"{}\" in \"{}\"", text, path));
  return pid;
}

}  // namespace weir::server
