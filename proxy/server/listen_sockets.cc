#include "server/listen_sockets.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "server/process.h"
#include "server/socket_options.h"

namespace weir::server {
namespace {

[[noreturn]] void fail(std::string_view call, const net::Endpoint& address) {
  throw std::runtime_error(system_error_text(fmt::format("{} {}", call, address.to_string()), errno));
}

/// The file of a unix socket; empty for other families and for names in the abstract space, which have no file.
std::string unix_file(const net::Endpoint& address) {
  if (!address.is_unix()) return {};
  const char* const path = reinterpret_cast<const sockaddr_un*>(address.raw())->sun_path;
  return std::string(path, strnlen(path, address.length() - offsetof(sockaddr_un, sun_path)));
}

bool is_wildcard(const net::Endpoint& address) {
  if (address.family() == AF_INET)
    return reinterpret_cast<const sockaddr_in*>(address.raw())->sin_addr.s_addr == htonl(INADDR_ANY);
  if (address.family() == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr);
  return false;
}

/// Of UDP none covers another: the kernel gives a datagram to the socket of the more specific address.
bool covers(const WantedSocket& wildcard, const WantedSocket& specific) {
  const net::Endpoint &a = wildcard.address, &b = specific.address;
  return !wildcard.options.datagrams && !specific.options.datagrams && is_wildcard(a) && !is_wildcard(b) &&
         a.family() == b.family() && a.port() == b.port();
}

/// Whether both cannot be bound without SO_REUSEPORT. An IPv6 wildcard may stand for IPv4 too.
bool overlap(const net::Endpoint& a, const net::Endpoint& b) {
  return !a.is_unix() && !b.is_unix() && a.port() == b.port() && (is_wildcard(a) || is_wildcard(b));
}

/// A socket file nobody listens on is what a killed process leaves behind.
bool is_stale(const net::Endpoint& address) {
  struct stat found;
  if (stat(unix_file(address).c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool refused = connect(probe, address.raw(), address.length()) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

}  // namespace

/// One descriptor, bound; closes it, and removes the file of a unix socket if it is still the one made here.
class ListenSockets::Socket {
 public:
  /// `share_port`: bind next to other sockets of ours. Without it, any other listener makes bind() fail; that is how
  /// a foreign one is noticed, even if it would share.
  Socket(const net::Endpoint& address, const ListenOptions& options, bool share_port) {
    const int type = options.datagrams ? SOCK_DGRAM : SOCK_STREAM;
    fd_ = ::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) fail("socket()", address);
    try {
      bind_to(address, options, share_port);
    } catch (...) {
      close(fd_);
      throw;
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    struct stat now;
    if (!file_.empty() && lstat(file_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_)
      unlink(file_.c_str());
    close(fd_);
  }

  int fd() const { return fd_; }

 private:
  void bind_to(const net::Endpoint& address, const ListenOptions& options, bool share_port) {
    if (address.is_unix()) return bind_file(address);
    if (!set_option(fd_, SOL_SOCKET, SO_REUSEADDR, 1)) fail("setsockopt(SO_REUSEADDR)", address);
    if (share_port && !set_option(fd_, SOL_SOCKET, SO_REUSEPORT, 1)) fail("setsockopt(SO_REUSEPORT)", address);
    if (address.family() == AF_INET6 && !set_option(fd_, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only))
      fail("setsockopt(IPV6_V6ONLY)", address);
    if (bind(fd_, address.raw(), address.length()) != 0) fail("bind() to", address);
    // Set afterwards too, so that further workers' sockets can join, now or after a reload.
    if (!set_option(fd_, SOL_SOCKET, SO_REUSEPORT, 1)) fail("setsockopt(SO_REUSEPORT)", address);
  }

  void bind_file(const net::Endpoint& address) {
    int failed = bind(fd_, address.raw(), address.length());
    const std::string file = unix_file(address);
    if (failed != 0 && errno == EADDRINUSE && !file.empty()) {
      if (is_stale(address)) unlink(file.c_str());
      // Also when it was not stale: errno is then set again, and a file that just went away is no obstacle.
      failed = bind(fd_, address.raw(), address.length());
    }
    if (failed != 0) fail("bind() to", address);
    if (file.empty()) return;

    struct stat made;
    if (lstat(file.c_str(), &made) == 0) {
      file_ = file;
      device_ = made.st_dev;
      inode_ = made.st_ino;
    }
    // As with nginx, everybody may connect; the folder decides who really can.
    if (chmod(file.c_str(), 0666) != 0) {
      const int error_number = errno;
      unlink(file.c_str());
      errno = error_number;
      fail("chmod()", address);
    }
  }

  int fd_ = -1;
  std::string file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct ListenSockets::Address {
  net::Endpoint endpoint;
  ListenOptions options;
  bool covered;
  bool is_tcp() const { return !endpoint.is_unix() && !options.datagrams; }
  std::vector<std::shared_ptr<Socket>> sockets;  // none if covered, one if unix, else at least one a worker
};

ListenSockets::ListenSockets() = default;
ListenSockets::ListenSockets(ListenSockets&&) noexcept = default;
ListenSockets& ListenSockets::operator=(ListenSockets&&) noexcept = default;
ListenSockets::~ListenSockets() = default;

void ListenSockets::bind_missing(Address& address, unsigned workers, const ListenSockets& previous) {
  const Address* const old = previous.find(address);
  if (old != nullptr) address.sockets = old->sockets;
  // An address that a wildcard replaces (or the reverse) is held by ourselves until the previous set goes.
  const bool held_by_us = std::any_of(
      previous.addresses_.begin(), previous.addresses_.end(),
      [&](const Address& other) {
        return !other.sockets.empty() && other.options.datagrams == address.options.datagrams &&
               overlap(other.endpoint, address.endpoint);
      });
  const std::size_t wanted = address.endpoint.is_unix() ? 1 : workers;
  while (address.sockets.size() < wanted) {
    const bool share_port = held_by_us || !address.sockets.empty();
    address.sockets.push_back(std::make_shared<Socket>(address.endpoint, address.options, share_port));
  }
}

void ListenSockets::start_listening(const Address& address, std::size_t first_new,
                                    std::vector<std::string>& warnings) {
  for (std::size_t i = first_new; i < address.sockets.size(); ++i) {
    const int fd = address.sockets[i]->fd();
    // Before listen(): the size of the receive buffer decides the window offered to the first connection.
    apply_options(fd, address.is_tcp(), address.options, nullptr, address.endpoint.to_string(), warnings);
    if (!address.options.datagrams && listen(fd, address.options.backlog) != 0)
      throw std::runtime_error(listen_failed(address));
  }
}

void ListenSockets::adjust_kept(const Address& address, const Address& old, std::vector<std::string>& warnings) {
  for (const auto& socket : old.sockets) {
    apply_options(socket->fd(), address.is_tcp(), address.options, &old.options,
                  address.endpoint.to_string(), warnings);
    // A second listen() only changes the length of the queue.
    if (!address.options.datagrams && address.options.backlog != old.options.backlog &&
        listen(socket->fd(), address.options.backlog) != 0)
      warnings.push_back(listen_failed(address) + ", ignored");
  }
}

std::string ListenSockets::listen_failed(const Address& address) {
  return system_error_text(
      fmt::format("listen() to {}, backlog {}", address.endpoint.to_string(), address.options.backlog), errno);
}

const ListenSockets::Address* ListenSockets::find(const Address& wanted) const {
  for (const Address& address : addresses_)
    if (!address.covered && address.endpoint == wanted.endpoint && address.options.datagrams == wanted.options.datagrams)
      return &address;
  return nullptr;
}

ListenSockets::Opened ListenSockets::open(std::span<const WantedSocket> wanted, unsigned workers,
                                          const ListenSockets& previous) {
  Opened result;
  ListenSockets next;
  for (const WantedSocket& want : wanted) {
    const bool covered = std::any_of(wanted.begin(), wanted.end(), [&want](const WantedSocket& other) {
      return covers(other, want);
    });
    next.addresses_.push_back({want.address, want.options, covered, {}});
  }

  const auto collect = [&result](auto&& step) {
    try {
      step();
    } catch (const std::runtime_error& error) {
      result.errors.push_back(error.what());
    }
  };
  // First all are bound and only then the first one listens, so that no client is accepted by a set that fails. What
  // is kept comes last: until then nothing has happened to it.
  for (Address& address : next.addresses_)
    if (!address.covered) collect([&] { bind_missing(address, workers, previous); });
  if (!result.errors.empty()) return result;
  for (const Address& address : next.addresses_) {
    const Address* const old = previous.find(address);
    collect([&] { start_listening(address, old != nullptr ? old->sockets.size() : 0, result.warnings); });
  }
  if (!result.errors.empty()) return result;
  for (const Address& address : next.addresses_)
    if (const Address* const old = previous.find(address)) adjust_kept(address, *old, result.warnings);

  next.distribute(workers);
  result.sockets = std::move(next);
  return result;
}

void ListenSockets::distribute(unsigned workers) {
  by_worker_.assign(workers, {});
  for (std::size_t index = 0; index < addresses_.size(); ++index) {
    const Address& address = addresses_[index];
    if (address.covered) continue;
    const bool covers_others = std::any_of(addresses_.begin(), addresses_.end(), [&address](const Address& other) {
      return covers({address.endpoint, address.options}, {other.endpoint, other.options});
    });
    // Sockets beyond the number of workers were opened when there were more; the remaining share them.
    const std::size_t uses = std::max<std::size_t>(workers, address.sockets.size());
    for (std::size_t use = 0; use < uses; ++use) {
      const Socket& socket = *address.sockets[use % address.sockets.size()];
      by_worker_[use % workers].push_back({socket.fd(), index, covers_others});
    }
  }
}

std::span<const ListeningSocket> ListenSockets::of_worker(unsigned worker) const {
  if (worker >= by_worker_.size()) return {};
  return by_worker_[worker];
}

bool ListenSockets::is_covered(std::size_t index) const {
  return addresses_.at(index).covered;
}

std::vector<int> ListenSockets::descriptors() const {
  std::vector<int> all;
  for (const Address& address : addresses_)
    for (const auto& socket : address.sockets) all.push_back(socket->fd());
  return all;
}

}  // namespace weir::server
