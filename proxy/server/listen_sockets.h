// The sockets Weir listens on, and how they outlive a reload.
//
// A set of open sockets is a value made from the wanted addresses and the previous set. What both want is shared, so
// it never stops listening; what only the new one wants is opened; what only the old one wanted closes when the old
// set is destroyed, which its owner does once no worker accepts on it any more. A set that could not be opened whole
// leaves the previous one as it was.
//
// With several workers each TCP or UDP address has one socket a worker (SO_REUSEPORT): the kernel spreads connections, and
// no worker wakes in vain. When workers become fewer, those that remain take over the other sockets, because closing
// one would reset the connections waiting in it.
//
// Thread safety: making and destroying sets belongs to one thread; `of_worker` may be read by any.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/endpoint.h"

namespace weir::server {

/// The parameter `so_keepalive=on|off|[idle]:[interval]:[count]`; what is absent is left to the system.
struct KeepAliveProbes {
  bool enabled = true;
  std::optional<std::chrono::seconds> idle, interval;
  std::optional<int> count;
  bool operator==(const KeepAliveProbes&) const = default;
};

/// The parameters of `listen` that concern the socket.
struct ListenOptions {
  int backlog = 511;
  std::optional<int> receive_buffer;  ///< rcvbuf, bytes
  std::optional<int> send_buffer;     ///< sndbuf, bytes
  bool ipv6_only = true;
  bool reuse_port = false;       ///< one socket a worker: done anyway for TCP, so without effect of its own
  bool datagrams = false;        ///< UDP
  bool deferred = false;         ///< TCP_DEFER_ACCEPT
  std::optional<int> fast_open;  ///< length of the queue
  std::optional<KeepAliveProbes> keep_alive;
  bool operator==(const ListenOptions&) const = default;
};

/// One address the configuration wants to listen on. Addresses in one request are distinct; those of UDP are others than
/// those of TCP.
struct WantedSocket {
  net::Endpoint address;
  ListenOptions options;
};

/// A socket for a worker to accept on. Owned by the set.
struct ListeningSocket {
  int fd;
  std::size_t wanted;  ///< index into what `open` was given
  /// Other wanted addresses are served by this wildcard socket (`0.0.0.0:80` covers `10.0.0.1:80`): look at the local
  /// address of an accepted connection to know which of them it came for.
  bool covers_others;
};

class ListenSockets {
 public:
  struct Opened;

  ListenSockets();
  ListenSockets(ListenSockets&&) noexcept;
  ListenSockets& operator=(ListenSockets&&) noexcept;
  ~ListenSockets();

  /// Opens sockets for all of `wanted`, reusing those of `previous`. All or nothing: with any error the result's set
  /// is empty and `previous` is unchanged.
  ///
  /// `wanted`: without duplicates. `workers`: at least 1. An address of an IP family whose wildcard is wanted on the
  /// same port gets no socket of its own. The parameters of a socket that stays are set again, as far as the system
  /// can change them.
  static Opened open(std::span<const WantedSocket> wanted, unsigned workers, const ListenSockets& previous);

  /// What worker number `worker` accepts on. A unix socket is the same descriptor for all workers.
  std::span<const ListeningSocket> of_worker(unsigned worker) const;

  /// Whether the address wanted under `index` is served by a wildcard's socket.
  bool is_covered(std::size_t index) const;

  /// Every descriptor once, e.g. to give them to the user Weir becomes.
  std::vector<int> descriptors() const;

 private:
  class Socket;
  struct Address;

  /// Gives `address` the sockets `previous` has for it and binds those still missing. Throws std::runtime_error.
  static void bind_missing(Address& address, unsigned workers, const ListenSockets& previous);
  /// Sets the parameters of the sockets from number `first_new` on and lets them listen. Throws std::runtime_error.
  static void start_listening(const Address& address, std::size_t first_new, std::vector<std::string>& warnings);
  /// Brings the sockets that were there before to the parameters now wanted.
  static void adjust_kept(const Address& address, const Address& old, std::vector<std::string>& warnings);
  static std::string listen_failed(const Address& address);
  const Address* find(const Address& wanted) const;
  void distribute(unsigned workers);

  std::vector<Address> addresses_;
  std::vector<std::vector<ListeningSocket>> by_worker_;
};

/// What `open` did.
struct ListenSockets::Opened {
  ListenSockets sockets;
  /// One text for each address that could not be opened, in nginx's words, e.g.
  /// `bind() to 0.0.0.0:80 failed (98: Address already in use)`. For the log at `emerg`.
  std::vector<std::string> errors;
  /// Parameters the system did not take; listening works without. For the log at `alert`.
  std::vector<std::string> warnings;
};

}  // namespace weir::server
