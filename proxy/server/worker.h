// A worker: one thread, one event loop, and everything only it touches.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "http/connection_host.h"
#include "log/access_log_file.h"
#include "net/listener.h"
#include "net/tls_stream.h"
#include "server/addresses.h"
#include "server/listen_sockets.h"
#include "server/memory_watch.h"
#include "stream/datagram_server.h"
#include "stream/reception.h"
#include "stream/runtime.h"

namespace weir::server {

/// What a worker gets when a configuration comes into force.
struct WorkerPlan {
  std::shared_ptr<const http::HttpConfig> http;
  std::shared_ptr<const stream::StreamConfig> stream;
  std::shared_ptr<log::ErrorLog> error_log;
  std::vector<ListeningSocket> sockets;
  std::vector<std::pair<std::string, std::shared_ptr<log::LogFile>>> access_logs;
  std::uint32_t connections = 512;
  std::chrono::milliseconds shutdown_timeout{0};  // after which connections under earlier plans are closed; 0: never
};

/// Thread safety: made, asked and destroyed by the control thread; what it is asked happens on its own.
class Worker final : private stream::Reception {
 public:
  /// Of the whole process, all outlive it. `serial`: numbers connections. `counters`: those of all workers. `udp_sessions`:
  /// counts them.
  Worker(unsigned number, std::atomic<std::uint64_t>& serial, const http::ProcessCounters& counters,
         net::AddressQuota& udp_sessions);
  Worker(const Worker&) = delete;
  ~Worker();

  void start();

  /// Serves new requests under `plan` and listens where it says; calls `done` on the worker's thread when it does.
  void adopt(WorkerPlan plan, std::function<void()> done);

  /// Stops listening, ends idle connections, and ends when the others have finished. `done`: called on the worker's
  /// thread when it does not listen any more.
  void drain(std::function<void()> done);
  /// Stops listening, closes every connection, and ends.
  void stop();
  /// Waits for the end.
  void join();
  bool has_ended() const { return ended_.load(); }

  const http::WorkerCounters& counters() const { return state_.counters; }

 private:
  class Acceptor;
  class LogTimer;
  class Sweep;

  void run();
  void take(WorkerPlan plan);
  void listen(const WorkerPlan& plan);
  void accept(net::OwnedFd fd, const net::Endpoint& peer, const ListeningSocket& socket);
  /// Stops the loop when nobody is served any more, at `latest` in any case. A later call changes that time.
  void end_when_idle(net::TimePoint latest);
  bool is_idle() const { return host_.connections.is_empty() && sessions_.sessions.is_empty(); }
  bool listens(const net::Endpoint& address) const override;
  net::Task<void> receive(Passed passed) override;
  net::OcspAsker& responders() override;
  /// Shakes hands, and serves what comes then.
  net::Task<void> serve_encrypted(std::unique_ptr<net::TlsStream> stream, shared::Arrival arrival,
                                  const http::ListenAddress& address);
  /// Returns false if every connection keeps its place. `limit`: the directive whose limit is reached. `newcomer`: who
  /// wants a place; empty: nobody knows.
  bool make_room(std::string_view limit, const net::Endpoint& newcomer);
  /// Says in the log that something was given up for want of memory; at most once a second.
  void tell_of_lost_work();

  const unsigned number_;
  net::Loop loop_;
  http::WorkerState state_;
  http::ConnectionHost host_;
  stream::SessionHost sessions_;
  std::vector<std::shared_ptr<log::ErrorLog>> error_logs_;  // all ever used: access logs complain to them
  std::vector<std::unique_ptr<LogTimer>> log_timers_;
  std::vector<std::unique_ptr<Sweep>> sweeps_;  // one for each reload of late
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  MemoryWatch memory_watch_;
  stream::DatagramServers datagram_servers_;
  std::uint32_t most_connections_ = 512;
  bool stopping_ = false;
  std::optional<net::TimePoint> latest_end_;  // once the end is waited for
  std::uint64_t lost_work_told_ = 0;
  net::TimePoint lost_work_told_at_{};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace weir::server
