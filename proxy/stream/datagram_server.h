// One UDP socket of a worker: datagrams are told apart by who sent them, and each client has a session.
// Belongs to one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/datagram.h"
#include "stream/datagram_client.h"
#include "stream/runtime.h"

namespace weir::stream {

class DatagramServer final : private net::ReadinessHandler {
 public:
  /// `fd`: a bound socket, which stays the caller's and outlives this. `listen`: what is served on it, of the runtime in
  /// force.
  DatagramServer(SessionHost& host, int fd, const ListenAddress& listen, DatagramPlaces& places);
  DatagramServer(const DatagramServer&) = delete;
  /// Ends the sessions: without the socket there is no way back to their clients.
  ~DatagramServer();

  int fd() const { return fd_; }
  DatagramPlaces& places() { return places_; }
  net::TimePoint now() const { return host_.worker.loop.now(); }
  /// Sessions that begin from now on are served so; the others go on under the settings they began with.
  void follow(const ListenAddress& listen) { listen_ = &listen; }
  /// Sends what sessions answered in this turn, and says what was lost.
  void end_turn();

 private:
  friend class DatagramClient;

  void on_ready(std::uint32_t events) override;
  void begin(const net::FlowKey& key, const net::Datagram& first);
  void refuse(DatagramPlaces::Outcome why, const net::Endpoint& client);
  void tell_of_evictions();
  /// Whether a line about losses may be written now: one a second, or a flood would fill the disk.
  bool may_complain();

  void send(const DatagramClient& client, std::string_view octets);
  void unbind(const DatagramClient& client);
  void forget(DatagramClient& client);

  SessionHost& host_;
  const int fd_;
  const ListenAddress* listen_;
  DatagramPlaces& places_;
  const net::Endpoint address_;
  const bool is_wildcard_;
  net::ReadinessSet::Slot slot_ = 0;
  net::DatagramSender sender_;
  std::unordered_map<net::FlowKey, DatagramClient*, net::AddressHash> bound_;
  std::unordered_set<DatagramClient*> clients_;  // those that are not bound any more, too
  std::uint64_t unsaid_ = 0;                     // datagrams dropped since the last line about them
  std::uint64_t unsaid_evictions_ = 0;           // likewise
  net::TimePoint last_complaint_ = net::TimePoint::min();
};

/// Those of one worker.
class DatagramServers {
 public:
  struct Wanted {
    int fd;
    const ListenAddress* listen;
  };

  /// `quota`: of the whole process; outlives this.
  DatagramServers(SessionHost& host, net::AddressQuota& quota) : host_(host), places_(host.worker.loop, quota) {}

  /// Serves these sockets from now on: those that were served before without a gap.
  void follow(const std::vector<Wanted>& wanted);
  void end_turn() {
    for (const auto& server : servers_) server->end_turn();
  }
  /// Ends all sessions.
  void clear() { servers_.clear(); }

 private:
  SessionHost& host_;
  DatagramPlaces places_;
  std::vector<std::unique_ptr<DatagramServer>> servers_;
};

}  // namespace weir::stream
