// What a worker offers the client connections on it.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <string_view>

#include "http/runtime.h"
#include "shared/linked.h"

namespace weir::http {

/// How a connection stands when its worker needs the place for a new client. The lesser one goes first.
struct Standing {
  enum class Kind : std::uint8_t {
    Idle,     // waits for a request
    Head,     // a request's head began to arrive and is not complete
    Body,     // waits for more of a request's body
    Serving,  // keeps its place, unless its client has more than its share of them
    Gone,     // is on its way out
  };
  Kind kind = Kind::Gone;
  std::int64_t rank = 0;  // among its kind: since when, or octets a second (Body)

  friend auto operator<=>(const Standing&, const Standing&) = default;
};

/// A client connection as its worker sees it: something that can be asked to end.
class ClientConnectionBase : public shared::Linked<ClientConnectionBase> {
 public:
  /// Ends the connection if it is idle; otherwise it ends after the response it is working on.
  virtual void drain() = 0;
  /// Ends it now.
  virtual void close_now() = 0;
  virtual Standing standing() const = 0;
  /// A new configuration is in force: takes it now unless a request is under way.
  virtual void follow() = 0;
  /// That of the configuration which its last request began under; before the first, which it was accepted under.
  virtual std::uint64_t generation() const = 0;
  /// Who connected.
  virtual const net::Endpoint& client() const = 0;
  /// Ends it now, because the worker has a use for its place: `limit` says which limit is reached.
  virtual void make_room(std::string_view limit) = 0;

 protected:
  ~ClientConnectionBase() = default;
};

/// Belongs to one worker, like everything in it.
class ConnectionHost {
 public:
  ConnectionHost(WorkerState& its_worker, std::atomic<std::uint64_t>& serial) : worker(its_worker), serial_(serial) {}

  WorkerState& worker;
  /// In force for requests that begin now.
  RuntimeRef runtime;
  /// The worker is going to stop: no connection is kept for another request.
  bool draining = false;

  std::uint64_t next_serial() { return serial_.fetch_add(1, std::memory_order_relaxed) + 1; }

  /// Those that are there.
  shared::LinkedList<ClientConnectionBase> connections;

 private:
  std::atomic<std::uint64_t>& serial_;
};

}  // namespace weir::http
