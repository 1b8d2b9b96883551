#include "session/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

TEST(ThreadExecutor, RunsTasksInOrder) {
  ThreadExecutor executor("test");
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) executor.post([&order, i] { order.push_back(i); });
  executor.run([] {});
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadExecutor, RunsTimersWhenTheyAreDueUnlessCancelled) {
  ThreadExecutor executor("test");
  std::atomic<int> ran = 0;
  const auto cancelled = executor.after(5ms, [&] { ran += 100; });
  executor.after(20ms, [&] { ran += 1; });
  executor.cancel(cancelled);
  executor.cancel(cancelled);
  executor.cancel(0);
  const TimePoint deadline = Clock::now() + 10s;
  while (ran == 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(ran, 1);
}

TEST(ThreadExecutor, DropsWhatComesAfterTheEnd) {
  ThreadExecutor executor("test");
  std::atomic<int> ran = 0;
  executor.after(1h, [&] { ++ran; });
  executor.post([&] { ++ran; });
  executor.stop();
  executor.post([&] { ++ran; });
  EXPECT_FALSE(executor.run([&] { ++ran; }));
  EXPECT_EQ(ran, 1);
}

TEST(ThreadExecutor, RunsDirectlyWhenCalledFromATask) {
  ThreadExecutor executor("test");
  bool inner = false;
  executor.run([&] {
    EXPECT_TRUE(executor.is_current());
    executor.run([&] { inner = true; });
  });
  EXPECT_TRUE(inner);
  EXPECT_FALSE(executor.is_current());
}

TEST(ThreadExecutor, TakesTasksFromManyThreads) {
  ThreadExecutor executor("test");
  int count = 0;  // only tasks touch it
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) executor.cancel(executor.after(0ms, [] {})), executor.post([&] { ++count; });
    });
  }
  for (auto& thread : threads) thread.join();
  executor.run([] {});
  EXPECT_EQ(count, 4000);
}

}  // namespace
}  // namespace weir::discovery
