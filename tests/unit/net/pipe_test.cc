#include "net/pipe.h"

#include <csignal>

#include "fixture.h"

namespace weir::net {
namespace {

class PipeTest : public testing::Test {
 protected:
  PipeTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as the server does: splice knows no MSG_NOSIGNAL
    const auto [a, from_peer] = tcp_pair();
    const auto [b, to_peer] = tcp_pair();
    from.emplace(loop, a, from_peer);
    to.emplace(loop, b, to_peer);
  }
  // Waits until the stream that is read from has heard of something.
  void await_input() {
    run(loop, [](Stream& stream) -> Task<> { co_await stream.readable(5s); }(*from->stream));
  }

  Loop loop;
  std::optional<Pair> from, to;
};

TEST_F(PipeTest, MovesOctetsFromOneSocketToAnother) {
  auto pipe = loop.pipes().take();
  ASSERT_TRUE(pipe);
  from->peer_sends("hello, world");
  await_input();
  EXPECT_EQ(pipe->fill(*from->stream, 5).bytes, 5u);
  EXPECT_EQ(pipe->held(), 5u);
  EXPECT_EQ(pipe->drain(*to->stream).bytes, 5u);
  EXPECT_TRUE(pipe->is_empty());
  EXPECT_EQ(to->peer_receives(), "hello");
  char rest[20];
  EXPECT_EQ(from->stream->try_read(rest).bytes, 7u) << "what was not asked for stays in the socket";
}

TEST_F(PipeTest, TellsADryStreamFromAFullPipe) {
  auto pipe = loop.pipes().take();
  ASSERT_TRUE(pipe);
  EXPECT_TRUE(pipe->fill(*from->stream, 100).error.would_block());
  EXPECT_FALSE(from->stream->input_pending());
  // Single octets take a place each, so a pipe is full long before it holds what it could.
  for (int sent = 0; sent < 100'000; ++sent) {
    from->peer_sends("x");
    await_input();
    if (pipe->fill(*from->stream, 100).error.would_block()) break;
  }
  EXPECT_LT(pipe->held(), 100'000u);
  EXPECT_TRUE(from->stream->input_pending()) << "the stream was not dry, the pipe was full";
}

TEST_F(PipeTest, StopsWhenTheReaderIsFullAndGoesOnLater) {
  const std::string text(3 << 20, 'x');
  std::string received;
  auto pipe = loop.pipes().take();
  ASSERT_TRUE(pipe);
  bool was_full = false;
  std::size_t sent = 0;
  while (received.size() < text.size()) {
    const ssize_t count = ::send(from->peer, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    if (sent != received.size() + pipe->held() && !was_full) await_input();
    pipe->fill(*from->stream, text.size());
    was_full = pipe->drain(*to->stream).error.would_block() || was_full;
    if (!was_full && sent < text.size()) continue;
    was_full = true;
    received += to->peer_receives();
    run(loop, [](Stream& a, Stream& b) -> Task<> { co_await wait_either(a, b, 100ms, 100ms); }(*from->stream, *to->stream));
  }
  EXPECT_EQ(received, text);
  EXPECT_TRUE(pipe->is_empty());
}

TEST_F(PipeTest, ReportsTheEndOfEitherSide) {
  auto pipe = loop.pipes().take();
  ASSERT_TRUE(pipe);
  from->peer_sends("last words");
  from->close_peer();
  await_input();
  EXPECT_EQ(pipe->fill(*from->stream, 100).bytes, 10u);
  EXPECT_TRUE(pipe->fill(*from->stream, 100).error.is_eof());
  to->stream->close();
  EXPECT_TRUE(pipe->drain(*to->stream).error);
  EXPECT_EQ(pipe->held(), 10u);
}

TEST_F(PipeTest, APipeThatIsNotEmptyIsNotUsedAgain) {
  from->peer_sends("somebody's secret");
  await_input();
  {
    auto pipe = loop.pipes().take();
    ASSERT_TRUE(pipe);
    ASSERT_NE(pipe->fill(*from->stream, 100).bytes, 0u);
  }
  auto next = loop.pipes().take();
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->is_empty());
  EXPECT_EQ(next->drain(*to->stream).bytes, 0u);
}

}  // namespace
}  // namespace weir::net
