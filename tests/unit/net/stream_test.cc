#include "net/stream.h"

#include <thread>

#include "net/send.h"
#include "stream_fixture.h"

namespace weir::net {
namespace {

INSTANTIATE_TEST_SUITE_P(Sockets, StreamTest, testing::Values(&unix_pair, &tcp_pair),
                         [](const auto& parameter) { return parameter.index == 0 ? "Unix" : "Tcp"; });

// Reads until something other than bytes comes.
Task<IoError> read_all(Stream& stream, std::string& into) {
  char buffer[1000];
  for (;;) {
    const IoResult got = stream.try_read(buffer);
    into.append(buffer, got.bytes);
    if (got.error.would_block()) {
      if (const IoError error = co_await stream.readable(5s)) co_return error;
    } else if (got.error) {
      co_return got.error;
    }
  }
}

TEST(Stream, IsSmall) {
  EXPECT_LE(sizeof(Stream), 160u);
}

TEST_P(StreamTest, AFreshStreamIsTriedWithoutAWait) {
  Pair pair = make();
  EXPECT_TRUE(pair.stream->input_pending());
  EXPECT_TRUE(pair.stream->readable().await_ready());
  EXPECT_TRUE(pair.stream->writable().await_ready());
  char byte;
  EXPECT_TRUE(pair.stream->try_read({&byte, 1}).error.would_block());
  EXPECT_FALSE(pair.stream->input_pending());
  EXPECT_FALSE(pair.stream->readable().await_ready());
}

TEST_P(StreamTest, ReadsWhatThePeerSendsUntilItsEnd) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    std::string got;
    const auto send = [&]() -> Task<> {
      for (int i = 0; i < 100; ++i) {
        pair.peer_sends(std::string(i * 37 % 2500 + 1, static_cast<char>('a' + i % 26)));
        if (i % 3 == 0) co_await loop.yield();
        if (i % 10 == 0) co_await sleep(loop, 1ms);
      }
      pair.close_peer();
    };
    spawn(send());
    const IoError error = co_await read_all(*pair.stream, got);
    EXPECT_TRUE(error.is_eof()) << error.message();
    std::size_t expected = 0;
    for (int i = 0; i < 100; ++i) expected += i * 37 % 2500 + 1;
    EXPECT_EQ(got.size(), expected);
    EXPECT_TRUE(pair.stream->peer_closed());
  };
  run(loop, body());
}

// A read ends before urgent data, whatever follows it.
TEST(Stream, WhatFollowsUrgentDataIsReadWithoutAnotherEvent) {
  Loop loop;
  const auto [ours, theirs] = tcp_pair();
  Pair pair(loop, ours, theirs);
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    pair.peer_sends("before");
    EXPECT_EQ(::send(pair.peer, "!", 1, MSG_OOB), 1);
    pair.peer_sends("after");
    std::string got;
    char buffer[100];
    while (got.size() < 11) {
      EXPECT_FALSE(co_await pair.stream->readable(5s));
      const IoResult read = pair.stream->try_read(buffer);
      if (read.error && !read.error.would_block()) break;
      got.append(buffer, read.bytes);
    }
    EXPECT_EQ(got, "beforeafter");
  };
  run(loop, body());
}

TEST_P(StreamTest, AShortReadClearsTheFlagAndALaterByteSetsItAgain) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    for (int i = 0; i < 50; ++i) {
      pair.peer_sends("hello");
      EXPECT_FALSE(co_await pair.stream->readable(5s));
      char buffer[100];
      EXPECT_EQ(pair.stream->try_read(buffer).bytes, 5u);
      EXPECT_FALSE(pair.stream->input_pending());
    }
  };
  run(loop, body());
}

TEST_P(StreamTest, AFullReadLeavesTheFlagSet) {
  Pair pair = make();
  pair.peer_sends("hello");
  char buffer[5];
  EXPECT_EQ(pair.stream->try_read(buffer).bytes, 5u);
  EXPECT_TRUE(pair.stream->input_pending());  // there may be more
}

TEST_P(StreamTest, SeesTheEndThatCameTogetherWithTheLastBytes) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    pair.peer_sends("last");
    ::shutdown(pair.peer, SHUT_WR);
    EXPECT_FALSE(co_await pair.stream->readable(5s));
    EXPECT_TRUE(pair.stream->peer_closed());
    char buffer[100];
    EXPECT_EQ(pair.stream->try_read(buffer).bytes, 4u);
    // Short, yet no edge would come any more: the flag must stay.
    EXPECT_FALSE(co_await pair.stream->readable(5s));
    EXPECT_TRUE(pair.stream->try_read(buffer).error.is_eof());
    EXPECT_FALSE(pair.stream->broken());
  };
  run(loop, body());
}

TEST_P(StreamTest, APausedReaderFindsItsBytesLater) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    pair.peer_sends("while nobody looks");
    co_await sleep(loop, 5ms);
    EXPECT_TRUE(pair.stream->readable().await_ready());
    char buffer[100];
    EXPECT_EQ(pair.stream->try_read(buffer).bytes, 18u);
  };
  run(loop, body());
}

TEST_P(StreamTest, SendsPiecesInOrderInOneCall) {
  Pair pair = make();
  const std::string_view words[] = {"head", "", "body", "tail"};
  iovec parts[4];
  for (int i = 0; i < 4; ++i) parts[i] = {const_cast<char*>(words[i].data()), words[i].size()};
  const IoResult sent = pair.stream->try_write(parts);
  EXPECT_EQ(sent.bytes, 12u);
  EXPECT_FALSE(sent.error);
  EXPECT_EQ(pair.peer_receives(), "headbodytail");
}

TEST_P(StreamTest, AFullSocketIsWaitedForAndGoesOnWhenThePeerReads) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    const std::size_t filled = fill(*pair.stream);
    EXPECT_GT(filled, 0u);
    EXPECT_FALSE(pair.stream->writable().await_ready());
    EXPECT_TRUE((co_await pair.stream->writable(30ms)).timed_out());
    std::size_t read = 0;
    while (read < filled) read += pair.peer_receives().size();
    EXPECT_FALSE(co_await pair.stream->writable(5s));
    EXPECT_EQ(pair.stream->try_write("x").bytes, 1u);
  };
  run(loop, body());
}

TEST_P(StreamTest, SendAllDeliversMoreThanTheSocketHolds) {
  Pair pair = make();
  std::string text(8 << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 3);
  std::string got;
  std::thread reader([&] {
    while (got.size() < text.size()) {
      const std::string piece = pair.peer_receives();
      if (piece.empty()) return;
      got += piece;
    }
  });
  const auto body = [&]() -> Task<> { EXPECT_FALSE(co_await send_all(*pair.stream, text, 10s)); };
  run(loop, body());
  reader.join();
  EXPECT_TRUE(got == text);
}

TEST_P(StreamTest, SendAllTellsOfAPeerThatDoesNotRead) {
  Pair pair = make();
  const std::string text(32 << 20, 'x');
  const auto body = [&]() -> Task<> { EXPECT_TRUE((co_await send_all(*pair.stream, text, 50ms)).timed_out()); };
  run(loop, body());
}

TEST_P(StreamTest, SendAllTellsOfAPeerThatIsGone) {
  Pair pair = make();
  pair.close_peer();
  const std::string text(32 << 20, 'x');
  const auto body = [&]() -> Task<> {
    const IoError error = co_await send_all(*pair.stream, text, 5s);
    EXPECT_TRUE(error.code == EPIPE || error.code == ECONNRESET) << error.message();
  };
  run(loop, body());
}

TEST_P(StreamTest, CloseEndsWaitsAndAllThatComesAfter) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    bool woken = false;
    const auto read = [&]() -> Task<> {
      EXPECT_TRUE((co_await pair.stream->readable()).canceled());
      woken = true;
    };
    spawn(read());
    pair.stream->close();
    pair.stream->close();
    EXPECT_FALSE(pair.stream->is_open());
    EXPECT_EQ(pair.stream->fd(), -1);
    EXPECT_EQ(loop.stream_count(), 0u);
    co_await until(loop, [&] { return woken; });
    EXPECT_TRUE((co_await pair.stream->writable()).canceled());
    char byte;
    EXPECT_TRUE(pair.stream->try_read({&byte, 1}).error.canceled());
    EXPECT_TRUE(pair.stream->shutdown_send().canceled());
    EXPECT_EQ(pair.peer_receives(), "");  // the peer sees the end
  };
  run(loop, body());
}

TEST_P(StreamTest, AHalfClosedStreamStillReads) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    EXPECT_FALSE(pair.stream->shutdown_send());
    EXPECT_EQ(pair.peer_receives(), "");
    pair.peer_sends("answer");
    pair.close_peer();
    std::string got;
    EXPECT_TRUE((co_await read_all(*pair.stream, got)).is_eof());
    EXPECT_EQ(got, "answer");
  };
  run(loop, body());
}

TEST(Stream, AbortResetsTheConnection) {
  Loop loop;
  const auto [ours, theirs] = tcp_pair();
  Pair pair(loop, ours, theirs);
  pair.stream->abort();
  char byte;
  EXPECT_EQ(::recv(pair.peer, &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(Stream, AResetIsAnErrorNotAnEnd) {
  Loop loop;
  const auto [ours, theirs] = tcp_pair();
  Pair pair(loop, ours, theirs);
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    pair.close_peer();
    EXPECT_FALSE(co_await pair.stream->readable(5s));
    char byte;
    EXPECT_EQ(pair.stream->try_read({&byte, 1}).error.code, ECONNRESET);
    EXPECT_TRUE(pair.stream->broken());
  };
  run(loop, body());
}

TEST(Stream, StartsClosedWhenTheKernelWillNotWatchIt) {
  Loop loop;
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);  // epoll takes no regular files
  ASSERT_GE(file, 0);
  Stream stream(loop, file);
  EXPECT_FALSE(stream.is_open());
  EXPECT_EQ(stream.try_write("x").error.code, EPERM);
  EXPECT_EQ(loop.stream_count(), 0u);
  EXPECT_EQ(::fcntl(file, F_GETFD), -1);  // it took ownership all the same
}

// What a transport such as TLS needs: reading that waits for room to write.
class CrossedStream : public Stream {
 public:
  using Stream::set_wants;
  using Stream::Stream;
  static constexpr std::uint8_t kRoom = kOut;
  void forget() { clear_ready(kIn | kOut); }
};

TEST(Stream, ATransportMayMakeReadingWaitForRoom) {
  Loop loop;
  const auto [ours, theirs] = unix_pair();
  fcntl(ours, F_SETFL, O_NONBLOCK);
  CrossedStream stream(loop, ours);
  const auto body = [&]() -> Task<> {
    const std::size_t filled = fill(stream);
    stream.set_wants(Direction::Read, CrossedStream::kRoom);
    EXPECT_EQ(::send(theirs, "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_TRUE((co_await stream.readable(20ms)).timed_out());  // input alone does not help it
    std::string sink(filled, '\0');
    for (std::size_t read = 0; read < filled;) read += static_cast<std::size_t>(::read(theirs, sink.data(), filled));
    EXPECT_FALSE(co_await stream.readable(5s));
  };
  run(loop, body());
  ::close(theirs);
}

}  // namespace
}  // namespace weir::net
