#include "foreign_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace weir::test {

namespace {

/// A copy of the descriptor `number` of the process; -1 if it cannot be had.
int copy_of(int process, int number) { return static_cast<int>(::syscall(SYS_pidfd_getfd, process, number, 0)); }

int open_process(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/// `127.0.0.1:80`, or nothing of what is no connected IPv4 socket.
std::string peer_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sin_family != AF_INET) return {};
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
}

}  // namespace

bool can_look_at_sockets() {
  const int self = open_process(::getpid());
  const int copy = self < 0 ? -1 : copy_of(self, self);
  if (self >= 0) ::close(self);
  if (copy >= 0) ::close(copy);
  return copy >= 0;
}

std::optional<int> socket_option(pid_t process, const std::string& peer, int level, int option) {
  std::optional<int> value;
  const int handle = open_process(process);
  if (handle < 0) return value;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    const int fd = copy_of(handle, std::atoi(entry.path().filename().c_str()));
    if (fd < 0) continue;
    int found = 0;
    socklen_t size = sizeof found;
    if (peer_of(fd) == peer && ::getsockopt(fd, level, option, &found, &size) == 0) value = found;
    ::close(fd);
  }
  ::close(handle);
  return value;
}

}  // namespace weir::test
