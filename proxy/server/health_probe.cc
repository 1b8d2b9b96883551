#include "server/health_probe.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/connect.h"
#include "net/datagram.h"
#include "net/send.h"
#include "server/small_request.h"

namespace weir::server {

namespace {

using Protocol = shared::HealthCheck::Protocol;

constexpr std::size_t kMostBody = 256 * 1024;  // what a match block sees of a body, as NGINX Plus
constexpr unsigned kMostReads = 1000;  // of datagrams, which may be empty

std::string no_match(const shared::HealthMatch& match) {
  return fmt::format("the answer does not match \"{}\"", match.name);
}

// --- TCP

bool expects_something(const shared::HealthMatch& match) { return !match.expect.empty() || match.expected_pattern; }

bool has_expected(const shared::HealthMatch& match, std::string_view octets) {
  if (match.expected_pattern) return match.expected_pattern.matches(octets);
  return octets.find(match.expect) != octets.npos;
}

net::Task<std::string> talk_tcp(net::Stream& stream, const shared::HealthMatch& match, const TimeLeft& left) {
  if (!match.send.empty())
    if (const net::IoError error = co_await net::send_all(stream, match.send, left.get()))
      co_return failure("send() failed", error);
  if (!expects_something(match)) co_return std::string();
  std::string octets;
  char piece[4096];
  while (!has_expected(match, octets)) {
    const net::IoResult got = stream.try_read(piece);
    octets.append(piece, got.bytes);
    if (got.bytes != 0) {
      if (octets.size() > kMostBody) co_return no_match(match);
      continue;
    }
    if (got.error.is_eof()) co_return no_match(match);
    if (!got.error.would_block()) co_return failure("recv() failed", got.error);
    if (left.is_over()) co_return std::string("no answer in time");
    if (const net::IoError waited = co_await stream.readable(left.get()); waited && !waited.timed_out())
      co_return failure("recv() failed", waited);
  }
  co_return std::string();
}

// --- UDP

/// What is said if no match block says it. Source: NGINX Plus's documentation.
constexpr std::string_view kDatagram = "nginx health check";

/// A server that owes no answer works unless its host says that nobody is there, which it does at once or never.
constexpr std::chrono::milliseconds kRefusalShows{1000};

net::Task<std::string> talk_udp(net::Loop& loop, net::Endpoint endpoint, const shared::HealthMatch* match,
                                const TimeLeft& whole) {
  const int fd = ::socket(endpoint.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return failure("socket() failed", {errno});
  net::Stream socket(loop, fd);
  if (!socket.is_open()) co_return failure("socket() failed", socket.try_read({}).error);
  if (::connect(fd, endpoint.raw(), endpoint.length()) != 0) co_return failure("connect() failed", {errno});
  const std::string_view text = match && !match->send.empty() ? std::string_view(match->send) : kDatagram;
  if (const net::IoError error = net::send_datagram(fd, text)) co_return failure("send() failed", error);

  const bool expects = match && expects_something(*match);
  const TimeLeft left(whole, expects ? whole.get() : kRefusalShows);
  net::DatagramBatch batch(loop.buffers(), 1);
  std::string octets;
  for (unsigned reads = 0; !left.is_over(); ++reads) {
    const net::IoError got = batch.receive(fd, false);
    if (!got) {
      if (!expects) co_return std::string();
      for (const net::Datagram& datagram : batch.datagrams()) octets += datagram.octets;
      if (has_expected(*match, octets)) co_return std::string();
      if (octets.size() > kMostBody || reads > kMostReads) co_return no_match(*match);
      continue;
    }
    if (!got.would_block()) co_return failure("recv() failed", got);
    socket.note_dry();
    if (const net::IoError waited = co_await socket.readable(left.get()); waited && !waited.timed_out())
      co_return failure("recv() failed", waited);
  }
  if (!expects) co_return std::string();
  co_return octets.empty() ? std::string("no answer in time") : no_match(*match);
}

// --- HTTP

net::Task<std::string> talk_http(net::Loop& loop, std::unique_ptr<net::Stream> stream, const net::Endpoint& endpoint,
                                 const shared::HealthCheck& check, const TimeLeft& left, http::HealthJudge* judge) {
  using Microseconds = std::chrono::microseconds;
  const auto since = [&loop](net::TimePoint from) { return std::chrono::duration_cast<Microseconds>(loop.now() - from); };
  const net::TimePoint began = loop.now();
  SmallRequest request(loop, std::move(stream), left);
  const http::ResponseHead& head = request.head();
  std::string wrong = co_await request.ask(check.uri, check.host, "weir-health-check");
  if (wrong.empty() && !check.match && (head.status < 200 || head.status > 399)) wrong = fmt::format("status {}", head.status);
  if (wrong.empty() && check.match) {
    const Microseconds head_came = since(began);
    std::string body;
    if (!check.match->bodies.empty()) wrong = co_await request.read_body(body, kMostBody);
    const std::string address = endpoint.to_string();
    const http::AttemptRecord attempt{.address = address, .status = head.status, .head = head_came, .total = since(began),
                                      .received = request.channel().octets_received(), .sent = request.channel().octets_sent(),
                                      .body = body.size()};
    if (wrong.empty()) wrong = judge->judge(*check.match, {head, body, attempt}, request.memory());
  }
  co_return wrong;
}

}  // namespace

net::Task<std::string> probe(net::Loop& loop, net::Endpoint endpoint, const shared::HealthCheck& check,
                             http::HealthJudge* judge) {
  const TimeLeft left(loop, check.limit);
  if (check.protocol == Protocol::Udp) co_return co_await talk_udp(loop, endpoint, check.match.get(), left);
  net::ConnectOptions options;
  std::optional<net::TlsTarget> tls = check.tls;
  if (tls) {
    tls->address = endpoint.to_string();
    options.tls = &*tls;
  }
  net::ConnectResult connected = co_await net::connect(loop, endpoint, left.get(), std::move(options));
  if (!connected.tls_failure.empty()) co_return std::move(connected.tls_failure);
  if (connected.error) co_return failure("connect() failed", connected.error);
  if (check.protocol == Protocol::Http)
    co_return co_await talk_http(loop, std::move(connected.stream), endpoint, check, left, judge);
  if (!check.match) co_return std::string();
  co_return co_await talk_tcp(*connected.stream, *check.match, left);
}

}  // namespace weir::server
