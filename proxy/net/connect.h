// Opening a connection to a peer.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/endpoint.h"
#include "net/stream.h"
#include "net/task.h"

namespace weir::net {

struct TlsTarget;

struct ConnectOptions {
  std::optional<Endpoint> bind;  // connect from this address (port 0: any)
  bool transparent = false;      // with bind: an address that is not ours (IP_TRANSPARENT, needs privileges)
  bool keepalive = false;        // SO_KEEPALIVE
  bool no_delay = true;          // TCP_NODELAY
  int receive_buffer = 0;        // SO_RCVBUF in bytes; 0: the system's
  int send_buffer = 0;           // SO_SNDBUF in bytes; 0: the system's
  std::string_view first = {};  // sent before anything else, also before a handshake; outlives the call
  const TlsTarget* tls = nullptr;  // shake hands too, within the same time
  Stream** under_way = nullptr;  // set while it waits: cancel() there ends it with ECANCELED; then null again
};

/// A stream, or why there is none.
struct ConnectResult {
  std::unique_ptr<Stream> stream;
  IoError error;
  std::string tls_failure{};  // what went wrong in the handshake, for the log
  bool is_ours = false;       // our own certificate or key is to blame for that
};

/// Sets how much the system keeps for a socket in either direction; 0: it chooses. Returns 0 or an errno.
int set_buffers(int fd, int receive, int send);

/// Gives a socket that is not connected yet its own address. `transparent`: one that is not ours (IP_TRANSPARENT, needs
/// privileges). Returns 0 or an errno.
int bind_own(int fd, const Endpoint& own, bool transparent);

/// A non-blocking socket of `type`, for which the loop's idle pipes are given up if need be; -1 and errno if there is none.
int open_socket(Loop& loop, int family, int type);

/// Whether `error` says that Weir itself, not its peer, has run out of something: descriptors or memory.
inline bool is_own_shortage(IoError error) {
  return error.code == EMFILE || error.code == ENFILE || error.code == ENOBUFS || error.code == ENOMEM;
}

/// Connects to `peer` within `timeout` (0: the system's limit). Error: ETIMEDOUT, ECONNREFUSED or any errno of
/// socket, bind or connect; EAGAIN from a unix socket whose queue is full.
Task<ConnectResult> connect(Loop& loop, Endpoint peer, std::chrono::milliseconds timeout,
                            ConnectOptions options = {});

}  // namespace weir::net
