// Threads that pick while others change everything. Most of its worth shows under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

struct Load {
  const char* method;
  int backends;
  int updates;
};

class Churn : public ::testing::TestWithParam<Load> {};

/// Member `i` of the churning set; those below `steady` are always there and always in service.
Member churning_member(int i, int steady, std::mt19937& random) {
  Member member{.address = std::to_string(i), .fail_timeout = milliseconds(1)};
  member.weight = 1 + random() % 4;
  if (i < steady) return member;
  member.max_conns = random() % 3 == 0 ? 1 + random() % 3 : 0;
  member.backup = random() % 5 == 0;
  member.down = random() % 7 == 0;
  member.draining = random() % 7 == 0;
  return member;
}

TEST_P(Churn, LosesNoClaimAndNeverComesUpEmpty) {
  const auto [method, count, updates] = GetParam();
  constexpr int kSteady = 2;
  auto upstream = std::make_shared<Upstream>("app", *find_picker(method));
  std::mt19937 seed(11);
  std::vector<Member> first;
  for (int i = 0; i < count; ++i) first.push_back(churning_member(i, kSteady, seed));
  upstream->update(first);

  std::atomic<bool> done = false;
  std::atomic<int> empty = 0;
  std::mutex handed_over_mutex;
  std::deque<Lease> handed_over;  // leases that end on another thread than they began

  const auto pick_and_release = [&](unsigned number) {
    std::mt19937 random(number);
    UpstreamReader reader(upstream);
    std::vector<Lease> leases;
    while (!done.load()) {
      std::optional<Lease> lease = reader.acquire({.now = Clock::now()});
      if (!lease) {
        ++empty;
        continue;
      }
      switch (random() % 8) {
        case 0:
          lease->failed(Clock::now());
          break;
        case 1:
          lease->succeeded(Clock::now());
          break;
        case 2: {
          const std::lock_guard lock(handed_over_mutex);
          handed_over.push_back(std::move(*lease));
          if (handed_over.size() > 50) handed_over.pop_front();
          continue;
        }
        default:
          break;
      }
      leases.push_back(std::move(*lease));
      if (leases.size() > random() % 100) {
        std::swap(leases[random() % leases.size()], leases.back());
        leases.pop_back();
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 3; ++i) threads.emplace_back(pick_and_release, i);

  for (int i = 0; i < updates; ++i) {
    std::vector<Member> members;
    for (int m = 0; m < count; ++m) {
      if (m < kSteady || seed() % 4 != 0) members.push_back(churning_member(m, kSteady, seed));
    }
    upstream->update(members);
    const std::shared_ptr<const Snapshot> snapshot = upstream->snapshot();
    for (std::size_t b = 0; b < snapshot->primaries().size(); ++b) {  // as a status page does
      EXPECT_FALSE(snapshot->primaries()[b].member().address.empty());
    }
    if (i % 20 == 0) upstream->set_method(*find_picker(i % 40 == 0 ? "round_robin" : method));
  }
  done.store(true);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(empty.load(), 0);
  handed_over.clear();
  const std::shared_ptr<const Snapshot> snapshot = upstream->snapshot();
  for (const Backends* backends : {&snapshot->primaries(), &snapshot->backups()}) {
    for (std::size_t i = 0; i < backends->size(); ++i) EXPECT_EQ((*backends)[i].active(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Churn,
                         ::testing::Values(Load{"round_robin", 8, 300}, Load{"least_conn", 8, 300},
                                           Load{"least_conn", 500, 60}),
                         [](const auto& param_info) {
                           return std::string(param_info.param.method) + std::to_string(param_info.param.backends);
                         });

TEST(Churn, ReplacingEveryBackendNeverLooksLikeNone) {
  auto upstream = std::make_shared<Upstream>("app", *find_picker("least_conn"));
  upstream->update({{.address = "a0"}, {.address = "b0"}});
  std::atomic<bool> done = false;
  std::atomic<int> empty = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      UpstreamReader reader(upstream);
      while (!done.load()) {
        if (!reader.acquire({.now = Clock::now()})) ++empty;
      }
    });
  }
  for (int i = 1; i <= 2000; ++i) {
    upstream->update({{.address = "a" + std::to_string(i)}, {.address = "b" + std::to_string(i)}});
  }
  done.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(empty.load(), 0);
}

TEST(Churn, ThreadsTogetherStayAsExactAsPromised) {
  constexpr unsigned kThreads = 4;
  constexpr int kEach = 2000;
  TestUpstream app("least_conn", numbered(10));
  std::vector<std::vector<Lease>> leases(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : leases) {
    threads.emplace_back([&app, &mine] {
      UpstreamReader reader(app.upstream);
      for (int i = 0; i < kEach; ++i) mine.push_back(*reader.acquire({.now = app.now}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(snapshot->primaries()[i].active(), kThreads * kEach / 10.0, kThreads - 1) << i;
  }
}

TEST(Churn, ManyThreadsNeverExceedMaxConns) {
  TestUpstream app("least_conn", {{.address = "a", .max_conns = 3}, {.address = "b", .max_conns = 2}});
  std::atomic<int> held = 0;
  std::atomic<int> most = 0;
  std::atomic<int> given = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      UpstreamReader reader(app.upstream);
      std::vector<Lease> mine;
      for (int i = 0; i < 20'000; ++i) {
        if (std::optional<Lease> lease = reader.acquire({.now = app.now})) {
          ++given;
          const int now_held = ++held;
          for (int seen = most; now_held > seen && !most.compare_exchange_weak(seen, now_held);) {
          }
          mine.push_back(std::move(*lease));
        }
        if (mine.size() > static_cast<std::size_t>(i % 3)) {
          --held;
          mine.pop_back();
        }
      }
      held -= static_cast<int>(mine.size());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 5);
  EXPECT_GT(given.load(), 1000);
  EXPECT_EQ(app.backend("a")->active() + app.backend("b")->active(), 0U);
  EXPECT_TRUE(app.backend("a")->is_available());
}

}  // namespace
}  // namespace weir::balancer::testing
