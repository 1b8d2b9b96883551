// The places for UDP sessions on one worker, and who has to leave when all of them are taken.
//
// How many there may be is counted for the whole process (net::AddressQuota): in all, and for each client, so that nobody can
// take everything whatever ports it sends from. Whose address is forged never sees an answer; so who went on after an answer
// keeps its place. Among the others those make room of whom nothing was seen for longest, a second at least: a flood costs one
// session a place and second, and each datagram beyond that a look.
//
// Belongs to one worker: each ends its own sessions.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "net/address_quota.h"
#include "net/loop.h"

namespace weir::stream {

class DatagramClient;

class DatagramPlaces {
 public:
  using Outcome = net::AddressQuota::Outcome;

  DatagramPlaces(net::Loop& loop, net::AddressQuota& quota) : loop_(loop), quota_(quota) {}
  DatagramPlaces(const DatagramPlaces&) = delete;

  /// Takes a place for a session of `client` under `limits`, if need be that of another session.
  Outcome take(const net::Endpoint& client, const net::AddressQuota::Limits& limits);
  /// A session has the place that was taken for it. It is removed before it is destroyed.
  void add(DatagramClient& client);
  /// Its client went on after an answer.
  void trust(DatagramClient& client);
  /// The place is free.
  void remove(DatagramClient& client);

  /// Ends a session for lack of something else than places. Returns false if there is none that may be ended.
  bool make_room() { return make_room(all_); }
  /// How many were ended since the last call.
  std::uint64_t take_evictions() { return std::exchange(evictions_, 0); }

 private:
  friend class DatagramClient;
  /// Those that are not trusted, by when they were put there.
  using Queue = std::list<DatagramClient*>;
  /// What is kept of one session.
  struct Entry {
    bool is_queued = false;
    net::TimePoint queued_at;
    Queue::iterator in_all, in_client;
  };

  bool make_room(Queue& queue);
  void enqueue(DatagramClient& client);
  void requeue(DatagramClient& client);
  void leave_queues(DatagramClient& client);

  net::Loop& loop_;
  net::AddressQuota& quota_;
  Queue all_;
  std::unordered_map<net::AddressKey, Queue, net::AddressHash> by_client_;
  std::uint64_t evictions_ = 0;
};

}  // namespace weir::stream
