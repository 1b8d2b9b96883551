#include "server/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "http1/backend_connection.h"
#include "http1/client_connection.h"
#include "net/out_of_memory.h"
#include "net/pipe.h"
#include "server/handshake.h"
#include "server/ocsp_exchange.h"
#include "server/room.h"
#include "stream/session.h"

namespace weir::server {

namespace {

constexpr std::chrono::milliseconds kEndCheck{20};
constexpr std::size_t kMostEvicted = 32;
constexpr std::chrono::seconds kHardEnd{3};  // for coroutines of closed connections to finish

std::unique_ptr<net::Stream> open_stream(net::Loop& loop, net::OwnedFd fd, bool encrypted) {
  if (encrypted) return std::make_unique<net::TlsStream>(loop, std::move(fd));
  return std::make_unique<net::Stream>(loop, std::move(fd));
}

/// What `open_stream` made to be encrypted.
std::unique_ptr<net::TlsStream> as_encrypted(std::unique_ptr<net::Stream> stream) {
  return std::unique_ptr<net::TlsStream>(static_cast<net::TlsStream*>(stream.release()));
}

net::Task<void> serve_requests(http::ConnectionHost& host, std::unique_ptr<net::Stream> stream, shared::Arrival arrival,
                               const http::ListenAddress& listen) {
  return http1::ClientConnection::run(
      std::make_unique<http1::ClientConnection>(host, std::move(stream), std::move(arrival), listen));
}

/// A connection whose handshake is over. `stream`: null if it failed, which was logged.
struct Ready {
  std::unique_ptr<net::Stream> stream;
  shared::Arrival arrival;
  const http::ListenAddress* listen;
};

net::Task<Ready> shake_hands(http::ConnectionHost& host, std::unique_ptr<net::TlsStream> stream, shared::Arrival arrival,
                             const http::ListenAddress& listen) {
  Handshake handshake(host, std::move(stream), std::move(arrival), listen);
  std::unique_ptr<net::Stream> done = co_await handshake.run();
  const http::ListenAddress* const now = handshake.listen_now();
  if (!now) done.reset();
  co_return Ready{std::move(done), handshake.take_arrival(), now};
}

}  // namespace

/// One listening socket of this worker.
class Worker::Acceptor final : public net::AcceptHandler {
 public:
  Acceptor(Worker& worker, const ListeningSocket& socket)
      : worker_(worker), socket_(socket), listener_(worker.loop_, socket.fd, *this) {}

  void on_accept(net::OwnedFd fd, const net::Endpoint& peer) override {
    worker_.accept(std::move(fd), peer, socket_);
  }
  void on_accept_error(int error) override {
    // Without a descriptor nobody can be accepted until somebody goes.
    const bool is_full = error == EMFILE || error == ENFILE;
    const bool made_room =
        is_full && (worker_.loop_.pipes().close_kept() || worker_.make_room("worker_rlimit_nofile", {}));
    if (worker_.error_logs_.empty() || made_room) return;
    log::alert(*worker_.error_logs_.back(), "accept() failed ({}); accepting pauses for a moment",
               net::IoError{error}.message());
  }

  int fd() const { return socket_.fd; }
  void follow(const ListeningSocket& socket) { socket_ = socket; }

 private:
  Worker& worker_;
  ListeningSocket socket_;
  net::Listener listener_;
};

/// Lets the lines of a buffered access log wait, but not longer than its `flush=`.
class Worker::LogTimer final : public net::Timer {
 public:
  LogTimer(net::Loop& loop, log::AccessLogFile& file, std::chrono::milliseconds patience)
      : net::Timer(loop.timers()), file_(file), patience_(patience) {}
  void end_turn() {
    if (file_.pending() != 0 && !is_armed()) arm(patience_);
  }

 private:
  void on_timer() override { file_.flush(); }

  log::AccessLogFile& file_;
  const std::chrono::milliseconds patience_;
};

/// Closes, some time after a reload, what still is under an earlier configuration; connections that began a request since
/// are not.
class Worker::Sweep final : public net::Timer {
 public:
  Sweep(Worker& worker, std::uint64_t generation, std::chrono::milliseconds patience)
      : net::Timer(worker.loop_.timers()), worker_(worker), generation_(generation) {
    arm(patience);
  }

 private:
  void on_timer() override {
    std::size_t closed = 0;
    const auto close = [&](auto& served) {
      if (served.generation() >= generation_) return;
      served.close_now();
      ++closed;
    };
    worker_.host_.connections.for_each(close);
    worker_.sessions_.sessions.for_each(close);
    if (closed != 0)
      log::info(worker_.host_.runtime->error_log(),
                "{} connections under an earlier configuration were closed: worker_shutdown_timeout has passed", closed);
  }

  Worker& worker_;
  const std::uint64_t generation_;
};

Worker::Worker(unsigned number, std::atomic<std::uint64_t>& serial, const http::ProcessCounters& counters,
               net::AddressQuota& udp_sessions)
    : number_(number),
      state_(loop_, http1::BackendConnection::make, counters),
      host_(state_, serial),
      sessions_(state_, *this, serial, state_.counters.active),
      memory_watch_(loop_, state_.counters),
      datagram_servers_(sessions_, udp_sessions) {
  loop_.on_turn_end([this] {
    for (auto& [path, file] : state_.access_logs) file->end_turn();
    for (const auto& timer : log_timers_) timer->end_turn();
    datagram_servers_.end_turn();
    tell_of_lost_work();
  });
}

Worker::~Worker() = default;

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  char name[16];
  std::snprintf(name, sizeof name, "weir-worker-%u", number_);
  ::pthread_setname_np(::pthread_self(), name);
  loop_.run();
  acceptors_.clear();
  datagram_servers_.clear();
  state_.pools.clear();
  host_.runtime = {};
  sessions_.runtime = {};
  log_timers_.clear();
  sweeps_.clear();
  state_.access_logs.clear();
  ended_.store(true);
}

void Worker::adopt(WorkerPlan plan, std::function<void()> done) {
  auto shared = std::make_shared<WorkerPlan>(std::move(plan));
  loop_.post([this, shared, done = std::move(done)] {
    if (!net::OutOfMemory::unless([&] { take(std::move(*shared)); }))
      log::alert(*error_logs_.back(), "worker {} has no memory for the new configuration and goes on with what it has",
                 number_);
    done();
  });
}

void Worker::take(WorkerPlan plan) {
  error_logs_.push_back(plan.error_log);
  most_connections_ = plan.connections;
  for (auto& [path, file] : plan.access_logs)
    state_.access_logs.try_emplace(path, std::make_unique<log::AccessLogFile>(file, *plan.error_log));
  log_timers_.clear();
  for (auto& [path, file] : state_.access_logs) file->hold_back(0);  // nobody may ever fill what is not named any more
  const std::array<const shared::ProtocolConfig*, 2> protocols = {plan.http.get(), plan.stream.get()};
  for (const shared::ProtocolConfig* protocol : protocols)
    for (const auto& [path, buffer, flush] : protocol->access_logs) {
      log::AccessLogFile& file = state_.access_log(path);
      file.hold_back(buffer);
      if (flush.count() != 0) log_timers_.push_back(std::make_unique<LogTimer>(loop_, file, flush));
    }
  host_.runtime = http::RuntimeRef(new http::Runtime(state_, plan.http, *plan.error_log));
  sessions_.runtime = stream::RuntimeRef(new stream::Runtime(state_, plan.stream, *plan.error_log));
  listen(plan);
  host_.connections.for_each([](http::ClientConnectionBase& connection) { connection.follow(); });
}

// Sockets that stay go on without a gap; only their place in the configuration changes.
void Worker::listen(const WorkerPlan& plan) {
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  acceptors.reserve(plan.sockets.size());
  std::vector<stream::DatagramServers::Wanted> for_datagrams;
  for (const ListeningSocket& socket : plan.sockets) {
    if (const std::size_t first = plan.http->listens.size(); socket.wanted >= first) {
      const stream::ListenAddress& address = *plan.stream->listens[socket.wanted - first];
      if (address.datagrams) {
        for_datagrams.push_back({socket.fd, &address});
        continue;
      }
    }
    const auto same = std::find_if(acceptors_.begin(), acceptors_.end(), [&](const auto& acceptor) {
      return acceptor && acceptor->fd() == socket.fd;
    });
    if (same == acceptors_.end()) {
      acceptors.push_back(std::make_unique<Acceptor>(*this, socket));
      continue;
    }
    (*same)->follow(socket);
    acceptors.push_back(std::move(*same));
  }
  acceptors_ = std::move(acceptors);
  datagram_servers_.follow(for_datagrams);
  std::erase_if(sweeps_, [](const auto& sweep) { return !sweep->is_armed(); });
  if (plan.shutdown_timeout.count() > 0 && !is_idle())
    sweeps_.push_back(std::make_unique<Sweep>(*this, plan.http->generation, plan.shutdown_timeout));
}

// A limit is reached: those who have the least claim to their places make room for a new client. Several at once, or a
// flood of new connections would make the worker look through all of its own for each.
bool Worker::make_room(std::string_view limit, const net::Endpoint& newcomer) {
  const std::size_t wanted = std::clamp<std::size_t>(most_connections_ / 64, 1, kMostEvicted);
  const auto leaving = choose_leavers(host_, most_connections_, newcomer, wanted);
  for (http::ClientConnectionBase* const connection : leaving) connection->make_room(limit);
  return !leaving.empty();
}

void Worker::accept(net::OwnedFd fd, const net::Endpoint& peer, const ListeningSocket& socket) {
  if (stopping_) return;
  http::WorkerCounters::add(state_.counters.accepted, 1);
  if (state_.counters.active.load(std::memory_order_relaxed) >= most_connections_ &&
      !make_room("worker_connections", peer)) {
    log::alert(host_.runtime->error_log(), "{} worker_connections are not enough: a new client was turned away",
               most_connections_);
    http::WorkerCounters::add(state_.counters.turned_away, 1);
    state_.counters.count(http::Refusal::Places);
    return;
  }
  memory_watch_.note_connection();
  const Address address = address_of(host_.runtime->config(), sessions_.runtime->config(), socket, fd.get());
  std::unique_ptr<net::Stream> stream = open_stream(loop_, std::move(fd), address.is_encrypted());
  shared::Arrival arrival{peer, {}, nullptr};
  if (address.stream)
    net::spawn(stream::Session::run(sessions_, std::move(stream), std::move(arrival), *address.stream));
  else if (address.http->tls)
    net::spawn(serve_encrypted(as_encrypted(std::move(stream)), std::move(arrival), *address.http));
  else
    net::spawn(serve_requests(host_, std::move(stream), std::move(arrival), *address.http));
}

net::Task<void> Worker::serve_encrypted(std::unique_ptr<net::TlsStream> stream, shared::Arrival arrival,
                                        const http::ListenAddress& address) {
  Ready ready = co_await shake_hands(host_, std::move(stream), std::move(arrival), address);
  // By itself from here on, so that a connection does not hold what its handshake took.
  if (ready.stream && !stopping_)
    net::spawn(serve_requests(host_, std::move(ready.stream), std::move(ready.arrival), *ready.listen));
}

// --- connections that servers of stream pass on

bool Worker::listens(const net::Endpoint& address) const {
  return bool(find_address(host_.runtime->config(), sessions_.runtime->config(), address));
}

net::Task<void> Worker::receive(Passed passed) {
  const Address address = find_address(host_.runtime->config(), sessions_.runtime->config(), passed.arrival.local);
  if (!address) co_return;
  const bool is_new_to_tls = address.is_encrypted() && !passed.client->tls();
  if (is_new_to_tls) passed.client = open_stream(loop_, passed.client->release(), true);
  // A header before the one that is expected here was of another proxy.
  if (address.stream ? address.stream->proxy_protocol : address.http->proxy_protocol) passed.arrival.proxy_header.reset();
  if (address.stream) {
    co_await stream::Session::run(sessions_, std::move(passed.client), std::move(passed.arrival), *address.stream,
                                  passed.passes);
    co_return;
  }
  Ready ready{std::move(passed.client), std::move(passed.arrival), address.http};
  if (is_new_to_tls)
    ready = co_await shake_hands(host_, as_encrypted(std::move(ready.stream)), std::move(ready.arrival), *address.http);
  if (ready.stream) co_await serve_requests(host_, std::move(ready.stream), std::move(ready.arrival), *ready.listen);
}

net::OcspAsker& Worker::responders() { return clients_responders(); }

void Worker::tell_of_lost_work() {
  constexpr std::chrono::seconds kPause{1};
  const std::uint64_t lost = net::OutOfMemory::count();
  if (lost == lost_work_told_ || loop_.now() - lost_work_told_at_ < kPause) return;
  lost_work_told_at_ = loop_.now();
  log::alert(*error_logs_.back(), "out of memory: {} connections, sessions or lookups were given up",
             lost - std::exchange(lost_work_told_, lost));
}

void Worker::drain(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    if (stopping_) return done();
    stopping_ = true;
    host_.draining = true;
    acceptors_.clear();
    datagram_servers_.clear();
    done();
    host_.connections.for_each([](http::ClientConnectionBase& connection) { connection.drain(); });
    end_when_idle(net::TimePoint::max());
  });
}

void Worker::stop() {
  loop_.post([this] {
    stopping_ = true;
    host_.draining = true;
    acceptors_.clear();
    datagram_servers_.clear();
    loop_.close_streams();
    end_when_idle(net::Clock::now() + kHardEnd);
  });
}

void Worker::end_when_idle(net::TimePoint latest) {
  const bool waits_already = latest_end_.has_value();
  latest_end_ = latest;
  if (waits_already) return;
  net::spawn([](Worker* self) -> net::Task<void> {
    while (!self->is_idle() && net::Clock::now() < *self->latest_end_) co_await net::sleep(self->loop_, kEndCheck);
    self->loop_.stop();
  }(this));
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::server
