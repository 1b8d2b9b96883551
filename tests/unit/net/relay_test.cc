#include "net/relay.h"

#include <sys/ioctl.h>

#include <atomic>
#include <optional>
#include <thread>

#include "fixture.h"

namespace weir::net {
namespace {

class RelayTest : public testing::TestWithParam<MakePair> {
 protected:
  RelayTest() {
    const auto [a, client_end] = GetParam()();
    const auto [b, backend_end] = GetParam()();
    left.emplace(loop, a, client_end);
    right.emplace(loop, b, backend_end);
  }
  // Relays in the background; `result` is set when it ended.
  void start(RelayOptions options = {}) {
    const auto body = [](RelayTest& test, RelayOptions given) -> Task<> {
      test.result = co_await relay(*test.left->stream, *test.right->stream, given);
      test.left->stream->close();
      test.right->stream->close();
    };
    spawn(body(*this, options));
  }
  Task<> ended() {
    co_await until(loop, [this] { return result.has_value(); });
  }

  Loop loop;
  std::optional<Pair> left, right;  // a: the client's side, b: the backend's
  std::optional<RelayResult> result;
};
INSTANTIATE_TEST_SUITE_P(Sockets, RelayTest, testing::Values(&unix_pair, &tcp_pair),
                         [](const auto& parameter) { return parameter.index == 0 ? "Unix" : "Tcp"; });

std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * seed) >> 4);
  return text;
}

void send_whole(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

std::string receive_to_end(int fd) {
  std::string text;
  char buffer[30'000];
  for (ssize_t count; (count = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

TEST_P(RelayTest, MovesBytesBothWaysUntilBothSidesEnd) {
  const std::string up = pattern(5 << 20, 31), down = pattern(7 << 20, 17);
  std::string got_up, got_down;
  std::thread client_sends([&] {
    send_whole(left->peer, up);
    ::shutdown(left->peer, SHUT_WR);
  });
  std::thread client_reads([&] { got_down = receive_to_end(left->peer); });
  std::thread backend_reads([&] { got_up = receive_to_end(right->peer); });
  std::thread backend_sends([&] {
    send_whole(right->peer, down);
    ::shutdown(right->peer, SHUT_WR);
  });
  start();
  run(loop, ended());
  client_sends.join();
  client_reads.join();
  backend_reads.join();
  backend_sends.join();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
  EXPECT_FALSE(result->error) << result->error.message();
  EXPECT_EQ(result->a_to_b, up.size());
  EXPECT_EQ(result->b_to_a, down.size());
  EXPECT_EQ(loop.buffers().lent(), 0u);
}

TEST_P(RelayTest, EachAnswerArrivesWholeBeforeTheNextIsSentHoweverMuchWentBefore) {
  start();
  const auto body = [&]() -> Task<> {
    // Much after much is expected and goes through a pipe at once; so does the little that comes instead.
    std::size_t seed = 1;
    for (const std::size_t size : {1'048'757u, 1'048'757u, 100u, 100u, 65'536u, 65'536u, 1u, 245'760u, 245'761u, 40'000u, 3u}) {
      const std::string answer = pattern(size, ++seed);
      std::thread sends([&] { send_whole(right->peer, answer); });
      std::string got;
      co_await until(loop, [&] {
        char buffer[30'000];
        for (ssize_t count; (count = ::recv(left->peer, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
          got.append(buffer, static_cast<std::size_t>(count));
        return got.size() >= size;
      });
      sends.join();
      EXPECT_TRUE(got == answer) << size;
      EXPECT_EQ(loop.buffers().lent(), 0u);
    }
    left->close_peer();
    right->close_peer();
    co_await ended();
  };
  run(loop, body());
  EXPECT_FALSE(result->error) << result->error.message();
}

TEST(Relay, EndsIfTheClientIsLostBeforeItBegins) {
  Loop loop;
  const auto [a, client_end] = tcp_pair();
  const auto [b, backend_end] = tcp_pair();
  Pair left(loop, a, client_end), right(loop, b, backend_end);
  std::optional<RelayResult> result;
  const auto body = [&]() -> Task<> {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(left.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    left.close_peer();
    co_await until(loop, [&] { return left.stream->peer_closed(); });
    // The first direction ends before the other begins, which is known to have nothing to read and whose peer is silent.
    char octet;
    EXPECT_TRUE(right.stream->try_read({&octet, 1}).error.would_block());
    result = co_await relay(*left.stream, *right.stream, {});
  };
  run(loop, body());
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error.code, ECONNRESET);
  EXPECT_EQ(result->side, RelayResult::Side::A);
}

TEST_P(RelayTest, PassesAHalfCloseOnAndKeepsTheOtherDirection) {
  start();
  const auto body = [&]() -> Task<> {
    left->peer_sends("question");
    ::shutdown(left->peer, SHUT_WR);
    std::string question;
    co_await until(loop, [&] {
      char buffer[100];
      const ssize_t count = ::recv(right->peer, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) question.append(buffer, static_cast<std::size_t>(count));
      return count == 0;  // the end arrived
    });
    EXPECT_EQ(question, "question");
    EXPECT_FALSE(result.has_value());
    right->peer_sends("answer");
    right->close_peer();
    co_await ended();
  };
  run(loop, body());
  EXPECT_EQ(left->peer_receives(), "answer");
  EXPECT_FALSE(result->error);
  EXPECT_EQ(result->b_to_a, 6u);
}

TEST_P(RelayTest, EndsBothSidesAtTheFirstEndWhenHalfCloseIsOff) {
  start({.half_close = false});
  const auto body = [&]() -> Task<> {
    left->peer_sends("last words");
    ::shutdown(left->peer, SHUT_WR);
    co_await ended();
  };
  run(loop, body());
  EXPECT_EQ(receive_to_end(right->peer), "last words");
  EXPECT_FALSE(result->error);
}

TEST_P(RelayTest, SendsWhatWasReadBeforeFirst) {
  start({.first_to_b = "early ", .first_to_a = "greeting "});
  const auto body = [&]() -> Task<> {
    left->peer_sends("late");
    right->peer_sends("again");
    ::shutdown(left->peer, SHUT_WR);
    ::shutdown(right->peer, SHUT_WR);
    co_await ended();
  };
  run(loop, body());
  EXPECT_EQ(receive_to_end(right->peer), "early late");
  EXPECT_EQ(receive_to_end(left->peer), "greeting again");
  EXPECT_EQ(result->a_to_b, 10u);
}

TEST_P(RelayTest, ASlowReaderSlowsItsWriterAndMemoryStaysBounded) {
  start();
  std::size_t sent = 0;
  const auto body = [&]() -> Task<> {
    // Nobody reads at the right: the left must come to a stand after what sockets and one buffer hold.
    const std::string chunk(65536, 'x');
    int idle_rounds = 0;
    while (idle_rounds < 50) {
      const ssize_t count = ::send(left->peer, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) sent += static_cast<std::size_t>(count);
      idle_rounds = count > 0 ? 0 : idle_rounds + 1;
      co_await sleep(loop, 1ms);
      EXPECT_LE(loop.buffers().lent(), 65536u);
      if (sent > 64 << 20) break;
    }
    EXPECT_LT(sent, std::size_t{64} << 20);
    // Reading at the right lets all of it through.
    ::shutdown(left->peer, SHUT_WR);
    std::size_t got = 0;
    std::string buffer(1 << 20, '\0');
    co_await until(loop, [&] {
      for (;;) {
        const ssize_t count = ::recv(right->peer, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count <= 0) return count == 0;
        got += static_cast<std::size_t>(count);
      }
    });
    EXPECT_EQ(got, sent);
    right->close_peer();
    co_await ended();
  };
  run(loop, body());
  EXPECT_EQ(result->a_to_b, sent);
}

TEST_P(RelayTest, GivesUpWhenNothingMoves) {
  start({.idle = 60ms});
  const TimePoint begin = Clock::now();
  TimePoint last{};
  const auto body = [&]() -> Task<> {
    for (int i = 0; i < 8; ++i) {  // longer than the limit in all, but never idle for so long
      co_await sleep(loop, 15ms);
      left->peer_sends("x");
      last = Clock::now();
    }
    EXPECT_FALSE(result.has_value());
    co_await ended();
  };
  run(loop, body());
  EXPECT_TRUE(result->error.timed_out());
  EXPECT_EQ(result->a_to_b, 8u);
  EXPECT_GE(Clock::now() - begin, 120ms);
  EXPECT_GE(Clock::now() - last, 55ms);
}

TEST_P(RelayTest, TheIdleLimitHoldsForAPeerThatDoesNotRead) {
  start({.idle = 80ms});
  std::thread flood([&] { send_whole(left->peer, std::string(64 << 20, 'x')); });
  run(loop, ended());
  flood.join();
  EXPECT_TRUE(result->error.timed_out());
  EXPECT_EQ(loop.buffers().lent(), 0u);
}

TEST_P(RelayTest, ACancelEndsIt) {
  start();
  const auto body = [&]() -> Task<> {
    co_await sleep(loop, 2ms);
    left->stream->cancel();
    co_await ended();
  };
  run(loop, body());
  EXPECT_TRUE(result->error.canceled());
}

TEST_P(RelayTest, ACloseOfOneStreamEndsIt) {
  start();
  const auto body = [&]() -> Task<> {
    co_await sleep(loop, 2ms);
    right->stream->close();
    co_await ended();
  };
  run(loop, body());
  EXPECT_TRUE(result->error.canceled());
}

TEST(Relay, TellsWhichSideBroke) {
  Loop loop;
  const auto [a, client] = tcp_pair();
  const auto [b, backend] = tcp_pair();
  Pair left(loop, a, client), right(loop, b, backend);
  RelayResult result;
  const auto body = [&]() -> Task<> {
    const auto later = [&]() -> Task<> {
      co_await sleep(loop, 2ms);
      const linger reset{.l_onoff = 1, .l_linger = 0};
      setsockopt(right.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      right.close_peer();
    };
    spawn(later());
    result = co_await relay(*left.stream, *right.stream, {});
  };
  run(loop, body());
  EXPECT_EQ(result.error.code, ECONNRESET);
  EXPECT_EQ(result.side, RelayResult::Side::B);
}

TEST(Relay, AReaderThatIsSlowIsNotIdle) {
  Loop loop;
  const auto [a, client] = unix_pair();
  const auto [b, backend] = unix_pair();
  const int small = 8192;  // so that one buffer needs many writes
  setsockopt(b, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  Pair left(loop, a, client), right(loop, b, backend);
  const std::string text = pattern(60'000, 13);
  left.peer_sends(text);
  ::shutdown(left.peer, SHUT_WR);
  std::optional<RelayResult> result;
  const auto body = [&]() -> Task<> {
    const auto relaying = [&]() -> Task<> { result = co_await relay(*left.stream, *right.stream, {.idle = 500ms}); };
    spawn(relaying());
    std::string got;
    while (got.size() < text.size() && !result) {
      co_await sleep(loop, 10ms);
      got += right.peer_receives(1024);
    }
    EXPECT_TRUE(got == text) << got.size();
    right.close_peer();
    co_await until(loop, [&] { return result.has_value(); });
  };
  const TimePoint begin = Clock::now();
  run(loop, body());
  EXPECT_GE(Clock::now() - begin, 600ms);  // longer than the limit
  EXPECT_FALSE(result->error) << result->error.message();
}

// Always has bytes and always takes them, so nothing ever waits for it. Gives up after very many.
class Endless : public Stream {
 public:
  using Stream::Stream;
  using Stream::try_write;
  long reads = 0;
  IoResult try_read(std::span<char> into) override {
    if (++reads > 1'000'000) return {0, {EIO}};
    return is_open() ? IoResult{into.size(), {}} : IoResult{0, {ECANCELED}};
  }
  IoResult try_write(std::string_view bytes) override { return {bytes.size(), {}}; }
};

// Neither splice nor a read gets past urgent data at once, and splice then takes it for the end.
TEST(Relay, UrgentDataHoldsNothingUpAndLosesNothingElse) {
  for (const bool ends_at_once : {false, true}) {
    Loop loop;
    const auto [a, client_end] = tcp_pair();
    const auto [b, backend_end] = tcp_pair();
    Pair left(loop, a, client_end), right(loop, b, backend_end);
    const std::string text = pattern(2 << 20, 31);
    // An urgent octet that is followed by another before it was read becomes an octet like others.
    const std::size_t rounds = ends_at_once ? 1 : 3;
    std::atomic<std::size_t> got = 0;
    std::string received;
    std::thread client([&] {
      for (std::size_t i = 1; i <= rounds; ++i) {
        send_whole(left.peer, text);
        EXPECT_EQ(::send(left.peer, "!", 1, MSG_OOB), 1);
        send_whole(left.peer, text);
        while (!ends_at_once && got < i * 2 * text.size()) std::this_thread::yield();
      }
      ::shutdown(left.peer, SHUT_WR);
    });
    std::thread backend([&] {
      std::string buffer(30'000, '\0');
      for (ssize_t count; (count = ::recv(right.peer, buffer.data(), buffer.size(), 0)) > 0; got = received.size())
        received.append(buffer, 0, static_cast<std::size_t>(count));
      ::shutdown(right.peer, SHUT_WR);
    });
    RelayResult result;
    const auto body = [&]() -> Task<> { result = co_await relay(*left.stream, *right.stream, {}); };
    run(loop, body());
    client.join();
    backend.join();
    EXPECT_FALSE(result.error) << result.error.message();
    std::string expected;
    for (std::size_t i = 0; i < rounds * 2; ++i) expected += text;
    EXPECT_TRUE(received == expected) << received.size();
  }
}

TEST(Relay, SocketsThatAreAlwaysReadyDoNotStarveTheLoop) {
  Loop loop;
  const auto [a, b] = unix_pair();
  Endless left(loop, a), right(loop, b);
  RelayResult result;
  const auto body = [&]() -> Task<> {
    const auto closing = [&]() -> Task<> {
      co_await sleep(loop, 10ms);
      left.close();
      right.close();
    };
    spawn(closing());
    result = co_await relay(left, right, {});
  };
  run(loop, body());
  EXPECT_TRUE(result.error.canceled()) << result.error.message();
}

TEST(Relay, HoldsNoBufferWhileIdle) {
  Loop loop;
  const auto [a, client] = unix_pair();
  const auto [b, backend] = unix_pair();
  Pair left(loop, a, client), right(loop, b, backend);
  bool over = false;
  const auto body = [&]() -> Task<> {
    const auto relaying = [&]() -> Task<> {
      static_cast<void>(co_await relay(*left.stream, *right.stream, {}));
      over = true;
    };
    spawn(relaying());
    left.peer_sends("x");
    co_await sleep(loop, 5ms);
    EXPECT_EQ(right.peer_receives(), "x");
    EXPECT_EQ(loop.buffers().lent(), 0u);
    left.close_peer();
    right.close_peer();
    co_await until(loop, [&] { return over; });
  };
  run(loop, body());
}

}  // namespace
}  // namespace weir::net
