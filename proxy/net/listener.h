// Listener: accepts connections on one loop.
#pragma once

#include <cstdint>

#include "net/endpoint.h"
#include "net/loop.h"
#include "net/owned_fd.h"

namespace weir::net {

class AcceptHandler {
 public:
  /// A new connection. `fd`: non-blocking, close-on-exec, TCP_NODELAY (inherited from the listening socket).
  /// May stop or destroy the listener, and may fail for want of memory.
  virtual void on_accept(OwnedFd fd, const Endpoint& peer) = 0;
  /// Accepting failed for want of descriptors or memory (`error`: EMFILE, ENFILE, ENOBUFS, ENOMEM, or another errno);
  /// the listener has paused for a moment. Called at most once a second: log it.
  virtual void on_accept_error(int error) = 0;

 protected:
  ~AcceptHandler() = default;
};

/// Watches a listening socket and accepts one connection an event, so that a flood on one socket cannot starve the
/// rest. When descriptors run out it pauses 100 ms; the clients wait in the kernel's queue meanwhile.
class Listener : private ReadinessHandler, private Timer {
 public:
  /// `listening_fd` stays the caller's and must outlive the listener; it must be non-blocking (several workers may
  /// share one socket). Sets TCP_NODELAY on it, which the accepted sockets inherit.
  Listener(Loop& loop, int listening_fd, AcceptHandler& handler);
  ~Listener() override;

  /// Whether the kernel took the socket into the set; 0 or an errno.
  int error() const { return error_; }
  /// Stops accepting for good; the socket stays open.
  void stop();
  int fd() const { return fd_; }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  void pause(int error);

  Loop& loop_;
  AcceptHandler& handler_;
  int fd_;
  int error_;
  ReadinessSet::Slot slot_ = 0;
  bool watching_ = false;
  TimePoint last_report_ = TimePoint::min();
};

}  // namespace weir::net
