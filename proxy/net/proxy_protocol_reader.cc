#include "net/proxy_protocol_reader.h"

#include <sys/socket.h>

#include "net/peek.h"

namespace weir::net {

namespace {

using Kind = ProxyHeaderOutcome::Kind;

void take(Stream& stream, std::span<char> octets) {
  ssize_t count;
  do count = ::recv(stream.fd(), octets.data(), octets.size(), 0);
  while (count < 0 && errno == EINTR);
}

}  // namespace

Task<ProxyHeaderOutcome> read_proxy_header(Stream& stream, TimePoint deadline, ProxyHeader& header) {
  for (;;) {
    {
      const Buffer buffer = stream.loop().buffers().take(BufferSize::k4K);
      static_assert(bytes_of(BufferSize::k4K) >= kLongestProxyHeader);
      const IoResult seen = peek(stream, buffer.span());
      if (seen.error && !seen.error.would_block()) co_return ProxyHeaderOutcome{Kind::Ended, seen.error};
      std::size_t size = 0;
      const auto status = parse_proxy_header({buffer.data(), seen.bytes}, header, size);
      if (status == ProxyHeaderStatus::Bad) co_return ProxyHeaderOutcome{Kind::Broken, {}};
      if (status == ProxyHeaderStatus::Complete) {
        take(stream, buffer.span().first(size));
        co_return ProxyHeaderOutcome{};
      }
      // Everything that came was seen, and nothing more will come.
      if (stream.peer_closed()) co_return ProxyHeaderOutcome{Kind::Ended, {IoError::kEof}};
    }
    stream.note_dry();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - stream.loop().now());
    if (left.count() <= 0) co_return ProxyHeaderOutcome{Kind::TimedOut, {ETIMEDOUT}};
    const IoError waited = co_await stream.readable(left);
    if (waited) co_return ProxyHeaderOutcome{waited.timed_out() ? Kind::TimedOut : Kind::Ended, waited};
  }
}

}  // namespace weir::net
