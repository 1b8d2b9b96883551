#include "server/socket_options.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/process.h"

namespace weir::server {
namespace {

/// How long the kernel holds back a connection without data, for `deferred`: client_header_timeout's default.
constexpr int kDeferSeconds = 10;

/// Octets that the kernel takes for a client beyond what it could send.
constexpr int kMostUnsent = 64 * 1024;

/// Sets options of one socket and notes refusals.
class Setter {
 public:
  Setter(int fd, const std::string& address, std::vector<std::string>& warnings)
      : fd_(fd), address_(address), warnings_(warnings) {}

  void set(int level, int name, std::string_view text, int value) {
    if (set_option(fd_, level, name, value)) return;
    warnings_.push_back(system_error_text(fmt::format("setsockopt({}, {}) {}", text, value, address_), errno) +
                        ", ignored");
  }

 private:
  int fd_;
  const std::string& address_;
  std::vector<std::string>& warnings_;
};

void apply_keep_alive(Setter& setter, const KeepAliveProbes& probes) {
  setter.set(SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", probes.enabled ? 1 : 0);
  if (probes.idle) setter.set(IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE", static_cast<int>(probes.idle->count()));
  if (probes.interval)
    setter.set(IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", static_cast<int>(probes.interval->count()));
  if (probes.count) setter.set(IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", *probes.count);
}

}  // namespace

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void apply_options(int fd, bool is_tcp, const ListenOptions& options, const ListenOptions* before,
                   const std::string& address, std::vector<std::string>& warnings) {
  Setter setter(fd, address, warnings);
  const ListenOptions fresh;
  const ListenOptions& old = before != nullptr ? *before : fresh;

  if (options.receive_buffer) setter.set(SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", *options.receive_buffer);
  if (options.send_buffer) setter.set(SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", *options.send_buffer);
  if (!is_tcp) return;

  // Accepted connections inherit it, which saves a system call for each.
  setter.set(IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", 1);
  // So is this: what a slow reader does not take stays with the backend, instead of megabytes of it in the kernel.
  setter.set(IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT", kMostUnsent);
  if (options.keep_alive)
    apply_keep_alive(setter, *options.keep_alive);
  else if (old.keep_alive)
    setter.set(SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", 0);
  if (options.fast_open != old.fast_open)
    setter.set(IPPROTO_TCP, TCP_FASTOPEN, "TCP_FASTOPEN", options.fast_open.value_or(0));
  if (options.deferred != old.deferred)
    setter.set(IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT", options.deferred ? kDeferSeconds : 0);
}

}  // namespace weir::server
