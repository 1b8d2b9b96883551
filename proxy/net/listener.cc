#include "net/listener.h"

#include <netinet/tcp.h>

#include <cerrno>

#include "net/plain_calls.h"

namespace weir::net {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kReportInterval{1};

// Errors that concern one connection, which is gone: the client gave up in the queue, or its network failed
// (accept(2)).
bool concerns_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case EINTR:
      return true;
    default:
      return false;
  }
}

}  // namespace

Listener::Listener(Loop& loop, int listening_fd, AcceptHandler& handler)
    : Timer(loop.timers()), loop_(loop), handler_(handler), fd_(listening_fd) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on unix sockets, which need it not
  error_ = loop.readiness().add(fd_, ReadinessSet::kLevelIn, *this, slot_);
  watching_ = error_ == 0;
}

Listener::~Listener() {
  stop();
}

void Listener::stop() {
  if (watching_) loop_.readiness().remove(fd_, slot_);
  watching_ = false;
  disarm();
}

void Listener::on_ready(std::uint32_t) {
  sockaddr_storage address;
  socklen_t length = sizeof address;
  OwnedFd fd(plain::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.get() >= 0) {
    // A client that closed a connection and comes back must not meet what is left of the first: both may be of one turn.
    loop_.resume_ready();
    return handler_.on_accept(std::move(fd), Endpoint(reinterpret_cast<const sockaddr*>(&address), length));
  }
  const int error = errno;
  // Another worker took it, or it is gone: nothing is wrong with the socket.
  if (error == EAGAIN || error == EWOULDBLOCK || concerns_one_connection(error)) return;
  pause(error);
}

void Listener::pause(int error) {
  loop_.readiness().change(fd_, slot_, 0);
  arm(kPause);
  const TimePoint now = loop_.now();
  if (last_report_ != TimePoint::min() && now - last_report_ < kReportInterval) return;
  last_report_ = now;
  handler_.on_accept_error(error);
}

void Listener::on_timer() {
  if (watching_) loop_.readiness().change(fd_, slot_, ReadinessSet::kLevelIn);
}

}  // namespace weir::net
