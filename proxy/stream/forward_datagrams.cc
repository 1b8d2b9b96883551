#include "stream/forward_datagrams.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "net/connect.h"
#include "stream/attempt.h"
#include "stream/datagram_relay.h"
#include "stream/drop_watch.h"
#include "stream/proxy_values.h"

namespace weir::stream {

namespace {

using End = DatagramRelay::End;

class DatagramAttempt final : public Attempt {
 public:
  DatagramAttempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease)
      : Attempt(session, upstream, std::move(lease)) {}
  ~DatagramAttempt() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// Makes a socket whose datagrams go to the backend, and which takes those of the backend alone.
  net::Task<Connected> connect();
  /// Passes datagrams on until the session is over. Returns its status.
  net::Task<int> relay();

 private:
  int open_socket(const net::Endpoint& backend);
  DatagramRelayOptions relay_options() const;
  int explain(End end, const DatagramRelay& relay);

  int fd_ = -1;
};

/// Sets `fd_`. Returns 0 or an errno.
int DatagramAttempt::open_socket(const net::Endpoint& backend) {
  fd_ = net::open_socket(session_.loop(), backend.family(), SOCK_DGRAM);
  if (fd_ < 0) return errno;
  if (const int error = net::set_buffers(fd_, static_cast<int>(conf_.socket_rcvbuf->count()),
                                         static_cast<int>(conf_.socket_sndbuf->count())))
    return error;
  if (const auto own = own_address(session_))
    if (const int error = net::bind_own(fd_, *own, conf_.bind->transparent)) return error;
  return ::connect(fd_, backend.raw(), backend.length()) == 0 ? 0 : errno;
}

net::Task<Attempt::Connected> DatagramAttempt::connect() {
  const auto backend = net::Endpoint::parse(record().address);
  if (const net::IoError error{backend && !backend->is_unix() ? open_socket(*backend) : EAFNOSUPPORT}) {
    // A flood must not fill the disk with lines about what Weir itself has run out of.
    if (!net::is_own_shortage(error))
      log::error(session_.error_log(), session_, "connect() failed ({}) while connecting to upstream", error.message());
    else if (session_.datagrams()->make_room(); session_.datagrams()->may_complain())
      log::alert(session_.error_log(), session_, "socket() failed ({}) while connecting to upstream", error.message());
    co_return note_unconnected(error);
  }
  note_connected();
  log::info(session_.error_log(), session_, "udp proxy {} connected to {}", net::Endpoint::local_of(fd_).to_string(),
            record().address);
  co_return Connected::Yes;
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
  const DropWatch drop(session_, lease_.backend(), [&relay] { relay.end(); });
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
    case End::Gone: log::info(log, session_, "udp session closed, {}", counts); break;
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

net::Task<PhaseResult> forward_datagrams(Session& session) { return forward_by<DatagramAttempt>(session); }

}  // namespace weir::stream
