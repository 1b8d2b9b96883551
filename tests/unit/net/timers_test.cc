#include "net/timers.h"

#include "net/out_of_memory.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

// Time as the test wants it.
struct FakeDriver final : TimerDriver {
  TimePoint time{1'000'000s};
  TimePoint wake = TimePoint::max();
  int wakes = 0;
  TimePoint now() const override { return time; }
  void wake_at(TimePoint when) override {
    wake = when;
    ++wakes;
  }
};

struct Recorder : Timer {
  FakeDriver& driver;
  std::vector<TimePoint> fired;
  std::function<void()> then;
  Recorder(Timers& timers, FakeDriver& fake) : Timer(timers), driver(fake) {}
  void on_timer() override {
    fired.push_back(driver.time);
    if (then) then();
  }
};

class TimersTest : public testing::Test {
 protected:
  // As a loop would: goes from one asked-for moment to the next.
  void pass(Clock::duration duration) {
    const TimePoint end = driver.time + duration;
    while (driver.wake <= end) {
      driver.time = std::max(driver.time, std::exchange(driver.wake, TimePoint::max()));
      timers.advance(driver.time);
    }
    driver.time = end;
  }

  FakeDriver driver;
  Timers timers{driver};
};

constexpr auto kCoarseness = 17ms;

TEST_F(TimersTest, FiresOnceSoonAfterTheDeadlineAndNeverBefore) {
  for (const auto after : {1ms, 5ms, 8ms, 9ms, 100ms, 16999ms, 17000ms, 60000ms, 3600000ms}) {
    Recorder timer(timers, driver);
    const TimePoint armed = driver.time;
    timer.arm(after);
    EXPECT_TRUE(timer.is_armed());
    pass(after + 1s);
    ASSERT_EQ(timer.fired.size(), 1u) << after.count();
    EXPECT_GE(timer.fired[0], armed + after);
    EXPECT_LE(timer.fired[0], armed + after + kCoarseness);
    EXPECT_FALSE(timer.is_armed());
  }
}

TEST_F(TimersTest, DoesNotFireWhenDisarmed) {
  Recorder timer(timers, driver);
  timer.arm(50ms);
  timer.disarm();
  pass(10s);
  EXPECT_TRUE(timer.fired.empty());
  timer.arm(50ms);
  pass(10s);
  EXPECT_EQ(timer.fired.size(), 1u);
}

TEST_F(TimersTest, GoesOnWithTheOthersWhenOneHasNoMemory) {
  Recorder first(timers, driver), second(timers, driver), later(timers, driver);
  const std::uint64_t before = OutOfMemory::count();
  first.then = second.then = [] { throw std::bad_alloc(); };
  first.arm(50ms);
  second.arm(50ms);
  later.arm(1s);
  pass(10s);
  EXPECT_EQ(first.fired.size() + second.fired.size(), 2u);
  EXPECT_EQ(later.fired.size(), 1u);
  EXPECT_EQ(OutOfMemory::count(), before + 2);
}

TEST_F(TimersTest, FollowsADeadlineThatIsPushedForward) {
  Recorder timer(timers, driver);
  for (int i = 0; i < 1000; ++i) {
    timer.arm(100ms);
    pass(10ms);
  }
  EXPECT_TRUE(timer.fired.empty());
  const TimePoint last = driver.time - 10ms;
  pass(1s);
  ASSERT_EQ(timer.fired.size(), 1u);
  EXPECT_GE(timer.fired[0], last + 100ms);
  EXPECT_LE(timer.fired[0], last + 100ms + kCoarseness);
}

TEST_F(TimersTest, PushingForwardAsksTheLoopForNothing) {
  Recorder timer(timers, driver);
  timer.arm(10s);
  const int wakes = driver.wakes;
  for (int i = 0; i < 1000; ++i) {
    driver.time += 1us;
    timer.arm(10s);
  }
  EXPECT_EQ(driver.wakes, wakes);
}

TEST_F(TimersTest, FollowsADeadlineThatIsPulledForward) {
  Recorder timer(timers, driver);
  timer.arm(60s);
  timer.arm(20ms);
  pass(40ms);
  EXPECT_EQ(timer.fired.size(), 1u);
  pass(120s);
  EXPECT_EQ(timer.fired.size(), 1u);
}

TEST_F(TimersTest, ATimerMayArmItselfAgain) {
  Recorder timer(timers, driver);
  timer.then = [&] { timer.arm(20ms); };
  timer.arm(20ms);
  pass(1s);
  EXPECT_GE(timer.fired.size(), 1000u / (20 + 17));
  EXPECT_LE(timer.fired.size(), 50u);
}

TEST_F(TimersTest, ATimerMayDestroyItselfAndItsNeighbours) {
  std::vector<std::unique_ptr<Recorder>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<Recorder>(timers, driver));
    all.back()->arm(50ms);  // one slot for all
  }
  int calls = 0;
  for (auto& timer : all)
    timer->then = [&] {
      ++calls;
      const auto doomed = std::move(all);  // ourselves too; `this` is not used after it
      all.clear();
    };
  pass(1s);
  EXPECT_EQ(calls, 1);
}

TEST_F(TimersTest, SleepsWhileNothingIsArmed) {
  {
    Recorder timer(timers, driver);
    timer.arm(10ms);
  }
  pass(1min);
  EXPECT_EQ(driver.wake, TimePoint::max());
}

TEST_F(TimersTest, StandsAJumpOfTime) {
  Recorder near(timers, driver), far(timers, driver);
  near.arm(10ms);
  far.arm(1h);
  driver.time += 30min;  // a suspended machine
  timers.advance(driver.time);
  EXPECT_EQ(near.fired.size(), 1u);
  EXPECT_TRUE(far.fired.empty());
  pass(31min);
  EXPECT_EQ(far.fired.size(), 1u);
}

TEST_F(TimersTest, MayBeOutlivedByATimer) {
  auto wheel = std::make_unique<Timers>(driver);
  Recorder timer(*wheel, driver);
  timer.arm(10ms);
  wheel.reset();
}  // the timer is destroyed here and must not reach into the wheel

TEST_F(TimersTest, AgreesWithASimpleModelOverRandomUse) {
  std::mt19937 random(4711);
  std::vector<std::unique_ptr<Recorder>> all;
  std::vector<TimePoint> expected(100, TimePoint::max());
  for (std::size_t i = 0; i < expected.size(); ++i) all.push_back(std::make_unique<Recorder>(timers, driver));
  int fired = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t which = random() % all.size();
    Recorder& timer = *all[which];
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::chrono::milliseconds after(1 + random() % (random() % 8 == 0 ? 40'000 : 300));
        timer.arm(after);
        expected[which] = driver.time + after;
        break;
      }
      case 2:
        timer.disarm();
        expected[which] = TimePoint::max();
        break;
      default:
        pass(std::chrono::microseconds(random() % 20'000));
        for (std::size_t i = 0; i < all.size(); ++i) {
          Recorder& one = *all[i];
          if (!one.fired.empty()) {
            ASSERT_EQ(one.fired.size(), 1u);
            ASSERT_GE(one.fired[0], expected[i]);
            ASSERT_LE(one.fired[0], expected[i] + kCoarseness);
            one.fired.clear();
            ++fired;
            expected[i] = TimePoint::max();
          } else {
            ASSERT_GT(expected[i], driver.time - kCoarseness);  // otherwise it is overdue
          }
        }
    }
  }
  EXPECT_GT(fired, 1000);
}

}  // namespace
}  // namespace weir::net
