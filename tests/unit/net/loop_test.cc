#include "net/loop.h"

#include <atomic>
#include <thread>
#include <vector>

#include "stream_fixture.h"

namespace weir::net {
namespace {

TEST(Loop, StopsAtOnceWhenItWasStoppedBeforeItRan) {
  Loop loop;
  loop.stop();
  loop.run();
}

TEST(Loop, RunsAgainAfterAStop) {
  Loop loop;
  int rounds = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] {
      ++rounds;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(rounds, 3);
}

TEST(Loop, TakesPostsFromOtherThreads) {
  Loop loop;
  std::vector<int> order;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&order, i] { order.push_back(i); });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Loop, StopsFromAnotherThread) {
  Loop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST(Loop, RunsHooksAtTheEndOfEachTurn) {
  Loop loop;
  std::string trace;
  loop.on_turn_end([&] { trace += '.'; });
  loop.post([&] { trace += 'a'; });
  loop.post([&] {
    trace += 'b';
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(trace, "a.b.");
}

TEST(Loop, ReadsTheTimeOncePerTurnAndAnewInTheNext) {
  Loop loop;
  TimePoint first, second;
  loop.post([&] {
    first = loop.now();
    const TimePoint begin = Clock::now();
    while (Clock::now() - begin < 2ms) {
    }
    EXPECT_EQ(loop.now(), first);
  });
  loop.post([&] {
    second = loop.now();
    loop.stop();
  });
  loop.run();
  EXPECT_GE(second - first, 2ms);
}

TEST(Loop, SleepGoesOnAfterItsTimeAndNotBefore) {
  Loop loop;
  const auto body = [](Loop& on) -> Task<> {
    for (const auto duration : {0ms, 1ms, 30ms}) {
      const TimePoint begin = Clock::now();
      co_await sleep(on, duration);
      EXPECT_GE(Clock::now() - begin, duration - 1ms);  // it counts from the time of the turn
    }
  };
  run(loop, body(loop));
}

TEST(Loop, YieldLetsOthersRun) {
  Loop loop;
  std::string trace;
  const auto talk = [](Loop& on, std::string& out, char who) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      out += who;
      co_await on.yield();
    }
  };
  const auto both = [&]() -> Task<> {
    spawn(talk(loop, trace, 'a'));
    co_await talk(loop, trace, 'b');
    co_await loop.yield();
  };
  run(loop, both());
  EXPECT_EQ(trace, "ababab");
}

TEST(Loop, WhoYieldsGoesOnAfterTheHooksOfTheTurn) {
  Loop loop;
  int hooks = 0, seen = -1;
  loop.on_turn_end([&] { ++hooks; });
  const auto run = [](Loop& on, const int& count, int& result) -> Task<void> {
    const int before = count;
    co_await on.yield();
    result = count - before;
    on.stop();
  };
  loop.post([&] { spawn(run(loop, hooks, seen)); });
  loop.run();
  EXPECT_EQ(seen, 1);
}

TEST(Loop, ACoroutineThatAlwaysYieldsDoesNotStarveTheRest) {
  Loop loop;
  bool over = false;
  const auto spin = [](Loop& on, bool& end) -> Task<> {
    while (!end) co_await on.yield();
  };
  const auto body = [&]() -> Task<> {
    spawn(spin(loop, over));
    co_await sleep(loop, 20ms);  // the timer comes through
    over = true;
    co_await loop.yield();
    co_await loop.yield();
  };
  run(loop, body());
}

// A loop whose readiness set is never silent until `over`, as two streams send each other an octet again and again. They
// have no time limits, which would be timers.
struct RestlessLoop {
  RestlessLoop() {
    const auto [one, other] = unix_pair();
    for (const int fd : {one, other}) {
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
      spawn(answer(std::make_unique<Stream>(loop, fd)));
    }
    EXPECT_EQ(::send(one, "x", 1, 0), 1);
    loop.on_turn_end([this] { ++turns; });
  }

  /// On another thread: returns when a hundred more turns went by.
  void let_turns_pass() const {
    for (const int seen = turns; turns < seen + 100;) std::this_thread::yield();
  }

  Loop loop;
  Watchdog watchdog{loop};
  bool over = false;
  std::atomic<int> turns = 0;

 private:
  Task<> answer(std::unique_ptr<Stream> stream) {
    ++alive_;
    char byte;
    while (!over) {
      if (!stream->try_read({&byte, 1}).error) stream->try_write("x");
      static_cast<void>(co_await stream->readable());
    }
    if (--alive_ == 0) loop.stop();  // the other hears of the end of this one
  }

  int alive_ = 0;
};

TEST(Loop, PostsTimersAndCoroutinesHaveTheirTurnWhileEventsNeverStop) {
  RestlessLoop restless;
  int posted = 0;
  bool slept = false, yielded = false;
  std::thread elsewhere([&] {
    for (int i = 0; i < 5; ++i) {
      restless.let_turns_pass();
      restless.loop.post([&] { ++posted; });
    }
  });
  const auto wait = [&]() -> Task<> {
    co_await sleep(restless.loop, 5ms);
    slept = true;
    for (int i = 0; i < 3; ++i) co_await restless.loop.yield();
    yielded = true;
    co_await until(restless.loop, [&] { return posted == 5; });
    restless.over = true;
  };
  spawn(wait());
  restless.loop.run();
  elsewhere.join();
  EXPECT_TRUE(slept && yielded);
  EXPECT_EQ(posted, 5);
}

// While events come the loop asks the readiness set only, and no timer brings it back to Asio here.
TEST(Loop, APostReachesALoopThatTakesEventsFromTheSetItself) {
  RestlessLoop restless;
  std::atomic<int> posted = 0;
  std::thread elsewhere([&] {
    for (int i = 0; i < 5; ++i) {
      restless.let_turns_pass();
      restless.loop.post([&] { restless.over = ++posted == 5; });
      while (posted <= i) std::this_thread::yield();
    }
  });
  restless.loop.run();
  elsewhere.join();
  EXPECT_EQ(posted, 5);
}

TEST(Loop, ClosesEveryStreamAndWakesWhoWaits) {
  Loop loop;
  int ended = 0;
  const auto wait = [](std::unique_ptr<Stream> stream, int& count) -> Task<> {
    char byte;
    EXPECT_TRUE(stream->try_read({&byte, 1}).error.would_block());
    EXPECT_TRUE((co_await stream->readable()).canceled());
    EXPECT_TRUE((co_await stream->readable()).canceled());  // and from now on
    EXPECT_TRUE(stream->try_write("x").error.canceled());
    ++count;
  };
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 10; ++i) {
    const auto [ours, theirs] = unix_pair();
    pairs.push_back(std::make_unique<Pair>(loop, ours, theirs));
    spawn(wait(std::move(pairs.back()->stream), ended));
  }
  EXPECT_EQ(loop.stream_count(), 10u);
  const auto body = [&]() -> Task<> {
    co_await loop.yield();
    loop.close_streams();
    co_await until(loop, [&] { return ended == 10; });
  };
  run(loop, body());
  EXPECT_EQ(loop.stream_count(), 0u);
}

TEST(Loop, DestroysWhatWasPostedAndNeverRan) {
  auto witness = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([witness] {});
    const auto [ours, theirs] = unix_pair();
    auto stream = std::make_shared<Stream>(loop, ours);
    loop.post([stream] {});
    stream.reset();
    ::close(theirs);
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace weir::net
