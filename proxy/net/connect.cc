#include "net/connect.h"

#include <netinet/tcp.h>

#include "net/pipe.h"
#include "net/send.h"
#include "net/tls_stream.h"

namespace weir::net {
namespace {

int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

// Everything that is done to a socket before connect. Returns 0 or an errno.
int prepare(int fd, const Endpoint& peer, const ConnectOptions& options) {
  int error = 0;
  const bool tcp = !peer.is_unix();
  if (tcp && options.no_delay) error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (!error && tcp && options.keepalive) error = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (!error) error = set_buffers(fd, options.receive_buffer, options.send_buffer);
  return error || !options.bind ? error : bind_own(fd, *options.bind, options.transparent);
}

/// Shows others where a connection is being opened, for as long as it is.
class Shown {
 public:
  explicit Shown(Stream** place) : place_(place) {}
  Shown(const Shown&) = delete;
  ~Shown() { show(nullptr); }
  void show(Stream* stream) {
    if (place_) *place_ = stream;
  }

 private:
  Stream** const place_;
};

}  // namespace

int open_socket(Loop& loop, int family, int type) {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool is_full = fd < 0 && (errno == EMFILE || errno == ENFILE);
  return is_full && loop.pipes().close_kept() ? ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : fd;
}

int set_buffers(int fd, int receive, int send) {
  const int error = receive != 0 ? set_option(fd, SOL_SOCKET, SO_RCVBUF, receive) : 0;
  return error != 0 || send == 0 ? error : set_option(fd, SOL_SOCKET, SO_SNDBUF, send);
}

int bind_own(int fd, const Endpoint& own, bool transparent) {
  const bool v6 = own.family() == AF_INET6;
  if (transparent)
    if (const int error = v6 ? set_option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
                             : set_option(fd, IPPROTO_IP, IP_TRANSPARENT, 1))
      return error;
  // The port is chosen by connect, where it needs to be unique for the pair only; otherwise 28 000 connections to all
  // backends together would use up the ports.
  if (!own.is_unix() && own.port() == 0) set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return ::bind(fd, own.raw(), own.length()) == 0 ? 0 : errno;
}

Task<ConnectResult> connect(Loop& loop, Endpoint peer, std::chrono::milliseconds timeout, ConnectOptions options) {
  OwnedFd fd(open_socket(loop, peer.family(), SOCK_STREAM));
  if (fd.get() < 0) co_return ConnectResult{nullptr, {errno}};
  int error = prepare(fd.get(), peer, options);
  bool under_way = false;
  if (!error && ::connect(fd.get(), peer.raw(), peer.length()) != 0) {
    under_way = errno == EINPROGRESS || errno == EINTR;
    if (!under_way) error = errno;
  }
  if (error) co_return ConnectResult{nullptr, {error}};
  const Stream::Start start = under_way ? Stream::Start::Connecting : Stream::Start::Connected;
  const TimePoint began = loop.now();
  std::unique_ptr<Stream> stream;
  TlsStream* encrypted = nullptr;
  if (options.tls)
    stream.reset(encrypted = new TlsStream(loop, std::move(fd), start));
  else
    stream = std::make_unique<Stream>(loop, std::move(fd), start);
  Shown shown(options.under_way);
  shown.show(stream.get());
  IoError waited = co_await stream->writable(timeout);
  if (!waited && !options.first.empty()) waited = co_await send_all(*stream, options.first, timeout);
  if (waited) co_return ConnectResult{nullptr, waited};
  // Room to write and nothing else: connected, without asking for SO_ERROR.
  if (stream->broken())
    if (const IoError failed = stream->take_error()) co_return ConnectResult{nullptr, failed};
  if (encrypted) {
    const TimePoint deadline = timeout.count() > 0 ? began + timeout : TimePoint::max();
    TlsOutcome outcome = co_await encrypted->connect(*options.tls, deadline);
    if (outcome.kind != TlsOutcome::Kind::Done)
      co_return ConnectResult{nullptr, outcome.error, std::move(outcome.text), outcome.is_ours};
  }
  co_return ConnectResult{std::move(stream), {}};
}

}  // namespace weir::net
