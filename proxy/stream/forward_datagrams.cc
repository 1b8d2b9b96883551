#include "stream/forward_datagrams.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "net/connect.h"
#include "shared/address.h"
#include "shared/panic.h"
#include "stream/datagram_relay.h"
#include "stream/destination.h"
#include "stream/proxy_conf.h"
#include "stream/proxy_values.h"
#include "stream/tries.h"

namespace weir::stream {

namespace {

using End = DatagramRelay::End;

std::chrono::microseconds since(net::TimePoint began, net::TimePoint now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now - began);
}

/// One try of a session at one backend.
class DatagramAttempt final : private net::RelayObserver {
 public:
  DatagramAttempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease)
      : session_(session),
        conf_(session.conf<ProxyConf>()),
        upstream_(upstream),
        lease_(std::move(lease)),
        index_(session.attempts.size()),
        began_(session.loop().now()) {
    session.attempts.emplace_back();
    record().address = session.keep(socket_address(lease_.backend().address()));
  }
  DatagramAttempt(const DatagramAttempt&) = delete;
  ~DatagramAttempt() {
    record().total = since(began_, session_.loop().now());
    if (fd_ >= 0) ::close(fd_);
  }

  enum class Connected : std::uint8_t { Yes, Failed, OwnFault };
  /// Makes a socket whose datagrams go to the backend, and which takes those of the backend alone.
  Connected connect();
  /// Passes datagrams on until the session is over. Returns its status.
  net::Task<int> relay();

 private:
  AttemptRecord& record() { return session_.attempts[index_]; }
  int open_socket(const net::Endpoint& backend);
  DatagramRelayOptions relay_options() const;
  int explain(End end, const DatagramRelay& relay);
  void note_failure();
  void on_first_from_b() override {
    record().first_byte = since(began_, session_.loop().now());
    if (!upstream_.timed_by_connect) lease_.first_byte(session_.loop().now());
  }

  Session& session_;
  const ProxyConf& conf_;
  const UpstreamBlock& upstream_;
  balancer::Lease lease_;
  const std::size_t index_;
  const net::TimePoint began_;
  int fd_ = -1;
};

/// Sets `fd_`. Returns 0 or an errno.
int DatagramAttempt::open_socket(const net::Endpoint& backend) {
  fd_ = ::socket(backend.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  if (const auto own = own_address(session_))
    if (const int error = net::bind_own(fd_, *own, conf_.bind->transparent)) return error;
  return ::connect(fd_, backend.raw(), backend.length()) == 0 ? 0 : errno;
}

DatagramAttempt::Connected DatagramAttempt::connect() {
  const auto backend = net::Endpoint::parse(record().address);
  const int error = backend && !backend->is_unix() ? open_socket(*backend) : EAFNOSUPPORT;
  const net::TimePoint now = session_.loop().now();
  if (error == 0) {
    record().connect = since(began_, now);
    if (upstream_.timed_by_connect || lease_.is_check()) lease_.first_byte(now);
    log::info(session_.error_log(), session_, "udp proxy {} connected to {}", net::Endpoint::local_of(fd_).to_string(),
              record().address);
    return Connected::Yes;
  }
  const std::string reason = net::IoError{error}.message();
  // What Weir itself has run out of is not the backend's fault.
  if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
    if (session_.datagrams()->may_complain())
      log::alert(session_.error_log(), session_, "socket() failed ({}) while connecting to upstream", reason);
    return Connected::OwnFault;
  }
  log::error(session_.error_log(), session_, "connect() failed ({}) while connecting to upstream", reason);
  note_failure();
  return Connected::Failed;
}

void DatagramAttempt::note_failure() {
  lease_.failed(session_.loop().now());
  if (upstream_.monitor) upstream_.monitor->suspect(lease_.backend());
}

DatagramRelayOptions DatagramAttempt::relay_options() const {
  DatagramRelayOptions options;
  options.idle = *conf_.timeout;
  options.responses = *conf_.responses;
  options.requests = *conf_.requests;
  options.upload_rate = rate_of(session_, *conf_.upload_rate);
  options.download_rate = rate_of(session_, *conf_.download_rate);
  options.header = proxy_header(session_, net::ProxyTransport::Datagram);
  return options;
}

net::Task<int> DatagramAttempt::relay() {
  DatagramRelayOptions options = relay_options();
  options.observer = this;
  DatagramRelay relay(session_, record(), std::exchange(fd_, -1), std::move(options));
  const End end = co_await relay;
  co_return explain(end, relay);
}

int DatagramAttempt::explain(End end, const DatagramRelay& relay) {
  const log::ErrorLog& log = session_.error_log();
  const auto counts = fmt::format("packets from/to client:{}/{}", relay.requests(), relay.responses());
  if (const std::uint64_t dropped = session_.datagrams()->dropped())
    log::info(log, session_, "{} datagrams of the client were dropped: they came faster than they could be passed on", dropped);
  switch (end) {
    case End::Done: log::info(log, session_, "udp done, {}", counts); break;
    case End::Idle: log::info(log, session_, "udp timed out, {}", counts); break;
    case End::Gone: log::info(log, session_, "udp session ended with its socket, {}", counts); break;
    case End::Silent:
      log::error(log, session_, "upstream timed out ({}) while proxying connection", net::IoError{ETIMEDOUT}.message());
      break;
    case End::Failed:
      log::error(log, session_, "send() or recv() failed ({}) while proxying datagrams", relay.error().message());
      break;
  }
  if (end == End::Silent || end == End::Failed) {
    note_failure();
    return status::kBadGateway;
  }
  lease_.succeeded(session_.loop().now());
  return status::kOk;
}

}  // namespace

net::Task<PhaseResult> forward_datagrams(Session& session) {
  const std::optional<Destination> destination = co_await find_destination(session);
  if (!destination) co_return PhaseResult::end(status::kInternal);
  session.is_proxying = true;
  Tries tries(session, *destination->upstream);
  while (auto lease = destination->reader->acquire(tries.next_pick())) {
    tries.note(*lease);
    shared::note_panic(*destination->reader, *lease, session.error_log());
    DatagramAttempt attempt(session, *destination->upstream, std::move(*lease));
    switch (attempt.connect()) {
      case DatagramAttempt::Connected::Yes: {
        const int status = co_await attempt.relay();
        co_return PhaseResult::end(status);
      }
      case DatagramAttempt::Connected::OwnFault: co_return PhaseResult::end(status::kInternal);
      case DatagramAttempt::Connected::Failed: break;
    }
    if (!tries.allow_another()) co_return PhaseResult::end(status::kBadGateway);
  }
  log::error(session.error_log(), session, "no live upstreams while connecting to upstream");
  if (session.attempts.empty()) session.attempts.emplace_back().address = session.keep(destination->upstream->name);
  co_return PhaseResult::end(status::kBadGateway);
}

}  // namespace weir::stream
