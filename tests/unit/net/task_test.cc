#include "net/task.h"

#include <stdexcept>
#include <string>
#include <thread>

#include "fixture.h"

namespace weir::net {
namespace {

// A wait that the test ends by hand.
struct Gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { waiting = coroutine; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, {}).resume(); }
};

struct Counted {
  inline static int alive = 0;
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  Counted(Counted&&) noexcept { ++alive; }
  ~Counted() { --alive; }
};

Task<int> immediate(int value) {
  co_return value;
}

Task<std::string> through_gate(Gate& gate, std::string text) {
  co_await gate;
  co_return text + "!";
}

Task<> fail_after(Gate* gate) {
  if (gate) co_await *gate;
  throw std::runtime_error("as planned");
}

TEST(Task, DoesNothingUntilItIsAwaited) {
  bool ran = false;
  const auto body = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  {
    const Task<> task = body(ran);
    EXPECT_FALSE(ran);
  }
  EXPECT_FALSE(ran);
  spawn(body(ran));
  EXPECT_TRUE(ran);
}

TEST(Task, GivesItsValueToTheAwaiter) {
  Gate gate;
  std::string result;
  const auto body = [](Gate& wait, std::string& out) -> Task<> {
    const int number = co_await immediate(41);
    out = co_await through_gate(wait, std::to_string(number + 1));
  };
  spawn(body(gate, result));
  EXPECT_EQ(result, "");
  gate.open();
  EXPECT_EQ(result, "42!");
}

TEST(Task, CarriesMoveOnlyValues) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  int got = 0;
  const auto body = [&]() -> Task<> { got = *co_await make(); };
  spawn(body());
  EXPECT_EQ(got, 7);
}

TEST(Task, ThrowsInItsAwaiterWhatItsBodyThrew) {
  for (const bool wait : {false, true}) {
    Gate gate;
    std::string caught;
    const auto body = [](Gate* maybe, std::string& out) -> Task<> {
      try {
        co_await fail_after(maybe);
      } catch (const std::runtime_error& error) {
        out = error.what();
      }
    };
    spawn(body(wait ? &gate : nullptr, caught));
    if (wait) gate.open();
    EXPECT_EQ(caught, "as planned");
  }
}

TEST(TaskDeathTest, EndsTheProcessWhenASpawnedTaskThrows) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(spawn(fail_after(nullptr)), "");
}

TEST(Task, DestroysLocalsAndParametersExactlyOnce) {
  Gate gate;
  const auto inner = [](Gate& wait, Counted parameter) -> Task<Counted> {
    const Counted local;
    co_await wait;
    co_return parameter;
  };
  const auto body = [&inner](Gate& wait) -> Task<> { const Counted result = co_await inner(wait, Counted{}); };
  spawn(body(gate));
  EXPECT_GE(Counted::alive, 2);
  gate.open();
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Task, IsGivenUpWhenItWasSpawnedAndHasNoMemory) {
  const auto inner = [](Gate& wait, Counted) -> Task<> {
    co_await wait;
    throw std::bad_alloc();
  };
  const auto body = [&inner](Gate& wait, Counted) -> Task<> { co_await inner(wait, Counted{}); };
  Gate gate;
  const std::uint64_t before = OutOfMemory::count();
  spawn(body(gate, Counted{}));
  EXPECT_EQ(OutOfMemory::count(), before);
  gate.open();
  EXPECT_EQ(OutOfMemory::count(), before + 1);
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Task, DestroysAFrameThatNeverRan) {
  const auto body = [](Counted) -> Task<> { co_return; };
  { const Task<> task = body(Counted{}); }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Task, UsesNoStackForALongLoopOfTasksThatDoNotWait) {
  long sum = 0;
  const auto body = [](long& total) -> Task<> {
    for (int i = 0; i < 1'000'000; ++i) total += co_await immediate(1);
  };
  spawn(body(sum));
  EXPECT_EQ(sum, 1'000'000);
}

Task<int> nest(Gate& gate, int depth) {
  if (depth == 0) {
    co_await gate;
    co_return 0;
  }
  co_return 1 + co_await nest(gate, depth - 1);
}

TEST(Task, UnwindsADeepChainAfterAWait) {
  Gate gate;
  int depth = 0;
  const auto body = [](Gate& wait, int& out) -> Task<> { out = co_await nest(wait, 1000); };
  spawn(body(gate, depth));
  gate.open();
  EXPECT_EQ(depth, 1000);
}

TEST(Task, MayBeMovedBeforeItRuns) {
  Task<int> first = immediate(3);
  Task<int> second = immediate(4);
  second = std::move(first);
  int got = 0;
  const auto body = [](Task<int> task, int& out) -> Task<> { out = co_await task; };
  spawn(body(std::move(second), got));
  EXPECT_EQ(got, 3);
}

TEST(FramePool, ReusesFramesAndKeepsABoundedNumber) {
  void* first = FramePool::take(300);
  FramePool::give(first, 300);
#ifdef __SANITIZE_ADDRESS__
  EXPECT_EQ(FramePool::kept(), 0u);  // off, so that uses of dead frames are seen
#else
  EXPECT_EQ(FramePool::take(310), first);  // the same class of sizes
  FramePool::give(first, 310);
  std::vector<void*> flood;
  for (int i = 0; i < 10'000; ++i) flood.push_back(FramePool::take(1000));
  for (void* frame : flood) FramePool::give(frame, 1000);
  EXPECT_LE(FramePool::kept(), FramePool::kMaxKept);
  EXPECT_GT(FramePool::kept(), FramePool::kMaxKept / 2);
  FramePool::trim();
  EXPECT_EQ(FramePool::kept(), 0u);
#endif
}

TEST(FramePool, ServesFramesOfAnySize) {
  for (const std::size_t size : {1u, 64u, 65u, 4096u, 4097u, 100'000u}) {
    auto* memory = static_cast<char*>(FramePool::take(size));
    std::fill_n(memory, size, 'x');
    FramePool::give(memory, size);
  }
}

TEST(FramePool, EmptiesItselfWhenItsThreadEnds) {
  // LeakSanitizer looks at this one.
  std::thread([] { FramePool::give(FramePool::take(200), 200); }).join();
}

}  // namespace
}  // namespace weir::net
