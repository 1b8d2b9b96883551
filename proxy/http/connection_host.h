// What a worker offers the client connections on it.
#pragma once

#include <atomic>
#include <cstdint>

#include "http/runtime.h"

namespace weir::http {

/// A client connection as its worker sees it: something that can be asked to end.
class ClientConnectionBase {
 public:
  /// Ends the connection if it is idle; otherwise it ends after the response it is working on.
  virtual void drain() = 0;
  /// Ends it now.
  virtual void close_now() = 0;
  /// Since when it has been idle; nothing while it serves.
  virtual bool is_idle() const = 0;

  ClientConnectionBase* next = nullptr;
  ClientConnectionBase** link = nullptr;

 protected:
  ~ClientConnectionBase() { unlink(); }
  void unlink() {
    if (!link) return;
    *link = next;
    if (next) next->link = link;
    link = nullptr;
  }
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

  void add(ClientConnectionBase& connection) {
    connection.next = first_;
    connection.link = &first_;
    if (first_) first_->link = &connection.next;
    first_ = &connection;
  }
  /// Calls `visit` for every connection; `visit` may end the one it is given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (ClientConnectionBase* connection = first_; connection;) {
      ClientConnectionBase* const following = connection->next;
      visit(*connection);
      connection = following;
    }
  }
  bool has_connections() const { return first_ != nullptr; }

 private:
  std::atomic<std::uint64_t>& serial_;
  ClientConnectionBase* first_ = nullptr;
};

}  // namespace weir::http
