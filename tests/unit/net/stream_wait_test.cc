// Waiting on a stream: limits, cancelling, watchers, either of two.
#include <functional>

#include "stream_fixture.h"

namespace weir::net {
namespace {

class StreamWaitTest : public StreamTest {};
INSTANTIATE_TEST_SUITE_P(Sockets, StreamWaitTest, testing::Values(&unix_pair, &tcp_pair),
                         [](const auto& parameter) { return parameter.index == 0 ? "Unix" : "Tcp"; });

TEST_P(StreamWaitTest, AWaitEndsAtItsTimeLimit) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    const TimePoint begin = Clock::now();
    EXPECT_TRUE((co_await pair.stream->readable(40ms)).timed_out());
    EXPECT_GE(Clock::now() - begin, 25ms);
    EXPECT_LT(Clock::now() - begin, 1s);
    // The stream still works.
    pair.peer_sends("x");
    EXPECT_FALSE(co_await pair.stream->readable(5s));
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, AnEarlierLimitDoesNotEndALaterWait) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      drain(*pair.stream);
      pair.peer_sends("x");
      EXPECT_FALSE(co_await pair.stream->readable(20ms));
      drain(*pair.stream);
      // The limit above passes during this wait, which has none.
      const auto later = [&]() -> Task<> {
        co_await sleep(loop, 30ms);
        pair.peer_sends("y");
      };
      spawn(later());
      EXPECT_FALSE(co_await pair.stream->readable());
    }
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, LimitsOfBothDirectionsCountApart) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    fill(*pair.stream);
    TimePoint read_end{}, write_end{};
    const TimePoint begin = Clock::now();
    const auto read = [&]() -> Task<> {
      EXPECT_TRUE((co_await pair.stream->readable(120ms)).timed_out());
      read_end = Clock::now();
    };
    const auto write = [&]() -> Task<> {
      EXPECT_TRUE((co_await pair.stream->writable(40ms)).timed_out());
      write_end = Clock::now();
    };
    spawn(read());
    spawn(write());
    co_await until(loop, [&] { return read_end != TimePoint{} && write_end != TimePoint{}; });
    EXPECT_GE(write_end - begin, 25ms);
    EXPECT_GE(read_end - begin, 100ms);
    EXPECT_LT(write_end, read_end);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, CancelWakesBothWaitersFromTheLoopAndNotInline) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    fill(*pair.stream);
    int woken = 0;
    const auto read = [&]() -> Task<> {
      EXPECT_TRUE((co_await pair.stream->readable(5s)).canceled());
      ++woken;
    };
    const auto write = [&]() -> Task<> {
      EXPECT_TRUE((co_await pair.stream->writable(5s)).canceled());
      ++woken;
    };
    spawn(read());
    spawn(write());
    pair.stream->cancel();
    EXPECT_EQ(woken, 0);
    co_await until(loop, [&] { return woken == 2; });
    // Only the waits of that moment; the stream goes on.
    pair.peer_sends("x");
    EXPECT_FALSE(co_await pair.stream->readable(5s));
  };
  run(loop, body());
}

struct CountingWatcher final : StreamWatcher {
  int calls = 0;
  std::function<void(Stream&)> then;
  void on_event(Stream& stream) override {
    ++calls;
    if (then) then(stream);
  }
};

TEST_P(StreamWaitTest, AWatcherIsToldThatTheStreamWasClosedOnOurSide) {
  for (void (Stream::*const end)() : {&Stream::close, &Stream::abort}) {
    Pair pair = make();
    const auto body = [&]() -> Task<> {
      drain(*pair.stream);
      CountingWatcher watcher;
      watcher.then = [&](Stream& stream) {
        EXPECT_TRUE(stream.peer_closed() && stream.broken() && !stream.is_open());
        pair.stream.reset();
      };
      pair.stream->watch(&watcher);
      (pair.stream.get()->*end)();
      EXPECT_EQ(watcher.calls, 0) << "whoever closes it may be in the middle of something";
      co_await until(loop, [&] { return watcher.calls == 1; });
      EXPECT_FALSE(pair.stream);
    };
    run(loop, body());
  }
}

TEST_P(StreamWaitTest, AWatcherThatComesToAClosedStreamIsTold) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    pair.stream->close();
    CountingWatcher watcher;
    pair.stream->watch(&watcher);
    EXPECT_EQ(watcher.calls, 0);
    co_await until(loop, [&] { return watcher.calls == 1; });
    pair.stream->watch(nullptr);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, AWatcherIsToldOfInputAndOfTheEndWhileNobodyWaits) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    co_await sleep(loop, 5ms);  // what registering reported is over
    CountingWatcher watcher;
    pair.stream->watch(&watcher);
    co_await sleep(loop, 5ms);
    EXPECT_EQ(watcher.calls, 0);
    pair.peer_sends("x");
    co_await until(loop, [&] { return watcher.calls == 1; });
    EXPECT_TRUE(pair.stream->input_pending());
    EXPECT_FALSE(pair.stream->peer_closed());
    pair.close_peer();
    co_await until(loop, [&] { return watcher.calls >= 2; });
    EXPECT_TRUE(pair.stream->peer_closed());
    pair.stream->watch(nullptr);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, AWatcherIsNotToldOfWhatAReaderWaitsFor) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    CountingWatcher watcher;
    pair.stream->watch(&watcher);
    const auto later = [&]() -> Task<> {
      co_await sleep(loop, 2ms);
      pair.peer_sends("x");
    };
    spawn(later());
    EXPECT_FALSE(co_await pair.stream->readable(5s));
    EXPECT_EQ(watcher.calls, 0);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, AWatcherMayDestroyTheStream) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    CountingWatcher watcher;
    watcher.then = [&](Stream&) { pair.stream.reset(); };
    pair.stream->watch(&watcher);
    pair.close_peer();
    co_await until(loop, [&] { return watcher.calls == 1; });
    EXPECT_EQ(loop.stream_count(), 0u);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, AWatcherMayCancelAWriter) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    fill(*pair.stream);
    CountingWatcher watcher;
    watcher.then = [](Stream& stream) { stream.cancel(); };
    pair.stream->watch(&watcher);
    const auto later = [&]() -> Task<> {
      co_await sleep(loop, 2ms);
      pair.peer_sends("stop it");
    };
    spawn(later());
    EXPECT_TRUE((co_await pair.stream->writable(5s)).canceled());
    EXPECT_EQ(watcher.calls, 1);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, BothDirectionsWakeWhenTheConnectionBreaks) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    fill(*pair.stream);
    int woken = 0;
    const auto read = [&]() -> Task<> {
      EXPECT_FALSE(co_await pair.stream->readable(5s));
      ++woken;
    };
    const auto write = [&]() -> Task<> {
      EXPECT_FALSE(co_await pair.stream->writable(5s));
      ++woken;
    };
    spawn(read());
    spawn(write());
    pair.close_peer();  // with bytes unread: a reset
    co_await until(loop, [&] { return woken == 2; });
    EXPECT_TRUE(pair.stream->broken());
    EXPECT_TRUE(pair.stream->try_write("x").error);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, EitherWaitTellsWhichSideCame) {
  Pair left = make();
  Pair right = make();
  const auto body = [&]() -> Task<> {
    drain(*left.stream);
    fill(*right.stream);
    Either which = co_await wait_either(*left.stream, *right.stream, 20ms, 5s);
    EXPECT_TRUE(which.first && !which.second && which.error.timed_out());

    const auto later = [](Loop& on, Pair& pair) -> Task<> {
      co_await sleep(on, 2ms);
      pair.peer_sends("x");
    };
    spawn(later(loop, left));
    which = co_await wait_either(*left.stream, *right.stream);
    EXPECT_TRUE(which.first && !which.second && !which.error);

    drain(*left.stream);
    which = co_await wait_either(*left.stream, *right.stream, 5s, 20ms);
    EXPECT_TRUE(!which.first && which.second && which.error.timed_out());

    // The withdrawn waits left nothing behind: each side can be waited for alone.
    EXPECT_TRUE((co_await right.stream->writable(10ms)).timed_out());
    EXPECT_TRUE((co_await left.stream->readable(10ms)).timed_out());
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, EitherWaitIsReadyAtOnceWhenOneSideIs) {
  Pair left = make();
  Pair right = make();
  const auto body = [&]() -> Task<> {
    drain(*left.stream);
    const Either which = co_await wait_either(*left.stream, *right.stream);
    EXPECT_TRUE(!which.first && which.second && !which.error);
    left.stream->close();
    fill(*right.stream);
    const Either closed = co_await wait_either(*left.stream, *right.stream);
    EXPECT_TRUE(closed.first && closed.error.canceled());
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, EitherWaitServesBothDirectionsOfOneStream) {
  Pair pair = make();
  const auto body = [&]() -> Task<> {
    drain(*pair.stream);
    const std::size_t filled = fill(*pair.stream);
    const auto later = [&]() -> Task<> {
      co_await sleep(loop, 2ms);
      std::size_t read = 0;
      while (read < filled) read += pair.peer_receives().size();
    };
    spawn(later());
    const Either which =
        co_await wait_either({*pair.stream, Direction::Read, 5s}, {*pair.stream, Direction::Write, 5s});
    EXPECT_TRUE(!which.first && which.second && !which.error);
  };
  run(loop, body());
}

TEST_P(StreamWaitTest, EitherWaitEndsOnceWhenBothSidesComeInOneBatch) {
  Pair left = make();
  Pair right = make();
  const auto body = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      drain(*left.stream);
      drain(*right.stream);
      const auto later = [](Loop& on, Pair& a, Pair& b) -> Task<> {
        co_await on.yield();
        a.peer_sends("x");
        b.peer_sends("x");
      };
      spawn(later(loop, left, right));
      const Either which =
          co_await wait_either({*left.stream, Direction::Read, 5s}, {*right.stream, Direction::Read, 5s});
      EXPECT_TRUE(which.first || which.second);
      co_await sleep(loop, 1ms);
      EXPECT_TRUE(left.stream->input_pending() && right.stream->input_pending());
    }
  };
  run(loop, body());
}

Task<> wait_for_input(Stream& stream) {
  drain(stream);
  co_await stream.readable();
}

void wait_twice() {
  Loop loop;
  const auto [ours, theirs] = unix_pair();
  Pair pair(loop, ours, theirs);
  spawn(wait_for_input(*pair.stream));
  spawn(wait_for_input(*pair.stream));
}

void die_under_a_waiter() {
  Loop loop;
  const auto [ours, theirs] = unix_pair();
  Pair pair(loop, ours, theirs);
  spawn(wait_for_input(*pair.stream));
  pair.stream.reset();
}

TEST(StreamDeathTest, RefusesASecondReaderAndToDieUnderAWaiter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(wait_twice(), "check failed");
  EXPECT_DEATH(die_under_a_waiter(), "check failed");
}

}  // namespace
}  // namespace weir::net
