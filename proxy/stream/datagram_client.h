// The client's side of a UDP session: who it is, what came from it and was not taken yet, and the way back.
//
// Belongs to its session. While it is bound, datagrams of the same client to the same address come here; a datagram
// after that begins another session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/datagram_flow.h"
#include "net/endpoint.h"
#include "stream/datagram_places.h"

namespace weir::stream {

class DatagramServer;
class Session;

class DatagramClient {
 public:
  /// Who passes on what comes.
  class Receiver {
   public:
    /// One came. Returns false if it cannot be taken now; then it waits.
    virtual bool on_datagram(std::string_view octets) = 0;
    /// The socket is about to be closed, or the session is to end: nothing comes or goes any more.
    virtual void on_gone() = 0;

   protected:
    ~Receiver() = default;
  };

  /// What may wait of one client, as long as its session is not ready for it; more is dropped.
  static constexpr std::size_t kMostWaiting = 32, kMostOctetsWaiting = std::size_t{128} * 1024;

  /// `own`: the address it sent to, with the port.
  DatagramClient(DatagramServer& server, const net::FlowKey& key, const net::Endpoint& peer, const net::Endpoint& own)
      : server_(&server), key_(key), peer_(peer), own_(own) {}
  DatagramClient(const DatagramClient&) = delete;
  ~DatagramClient();

  /// Whose it is: who ends when another needs the place more. Before anything else is done with it.
  void belong_to(Session& session) { session_ = &session; }

  const net::Endpoint& peer() const { return peer_; }
  const net::Endpoint& own() const { return own_; }

  /// Sends one at the end of the turn, if the socket is still there.
  void send(std::string_view octets);

  /// Tells `receiver` what comes from now on; null: nobody. What waits is not told: take it with `waiting` and `pop`.
  void set_receiver(Receiver* receiver) { receiver_ = receiver; }
  /// The oldest of those that wait; null if none does.
  const std::string* waiting() const { return waiting_.empty() ? nullptr : &waiting_.front(); }
  void pop();

  /// There is nothing left for another session: one ends that has no claim to what it holds, if there is such a one.
  void make_room();
  /// Whether a line about what any client could bring about again with each datagram may be written now.
  bool may_complain();
  /// What comes from this client from now on is not for this session.
  void unbind();
  /// Ends it: nothing comes or goes any more.
  void end();
  /// Whether that happened, or the socket is gone.
  bool is_gone() const { return is_ended_ || server_ == nullptr; }
  /// Datagrams that came and were dropped.
  std::uint64_t dropped() const { return dropped_; }

 private:
  friend class DatagramServer;
  friend class DatagramPlaces;
  void arrive(std::string_view octets);
  void leave();

  DatagramServer* server_;  // null: gone
  const net::FlowKey key_;
  const net::Endpoint peer_, own_;
  Session* session_ = nullptr;
  Receiver* receiver_ = nullptr;
  DatagramPlaces::Entry place_;
  net::TimePoint last_seen_;    // one came, or was sent
  bool was_answered_ = false;
  std::vector<std::string> waiting_;  // few, and mostly none: a deque would take half a kilobyte for that
  std::size_t octets_waiting_ = 0;
  std::uint64_t dropped_ = 0;
  bool is_bound_ = true;
  bool is_ended_ = false;  // and has no place any more
};

}  // namespace weir::stream
