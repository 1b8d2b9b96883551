#include "ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace weir::test {
namespace {

constexpr unsigned kFirst = 20'000;
constexpr unsigned kCount = 12'000;  // Linux gives out 32768 and above by itself

bool can_bind(std::uint16_t port) {
  for (const int family : {AF_INET, AF_INET6}) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;  // no IPv6 here
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int result;
    if (family == AF_INET) {
      sockaddr_in any{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
      result = ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any);
    } else {
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
      sockaddr_in6 any{};
      any.sin6_family = AF_INET6;
      any.sin6_port = htons(port);
      result = ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any);
    }
    ::close(fd);
    if (result != 0) return false;
  }
  return true;
}

}  // namespace

Port::Port() {
  static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 37};
  const auto folder = std::filesystem::temp_directory_path() / "weir-test-ports";
  std::filesystem::create_directories(folder);
  ::chmod(folder.c_str(), 01777);
  for (unsigned tries = 0; tries < kCount; ++tries) {
    const auto port = static_cast<std::uint16_t>(kFirst + next++ % kCount);
    const int lock = ::open((folder / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) continue;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0 && can_bind(port)) {
      lock_ = lock;
      number_ = port;
      return;
    }
    ::close(lock);
  }
  throw std::runtime_error("no free port for a test");
}

Port::~Port() {
  if (lock_ >= 0) ::close(lock_);
}

Port::Port(Port&& other) noexcept : lock_(std::exchange(other.lock_, -1)), number_(other.number_) {}

}  // namespace weir::test
