// Requests that wait for room: nobody waits while there is some, whatever else happens at that moment.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

struct Caller final : Queue::Waiter {
  void room() noexcept override { ++calls; }
  std::atomic<int> calls{0};
};

/// Backend "a", which has as many requests as it may have, and others that wait for room there.
struct FullUpstream {
  explicit FullUpstream(std::uint32_t most) : upstream("least_conn", {{.address = "a", .max_conns = most}}) {
    while (std::optional<Lease> lease = acquire()) leases.push_back(std::move(*lease));
  }
  ~FullUpstream() {
    for (Caller* caller : {&first, &second, &third}) queue().leave(*caller, false);
  }
  std::optional<Lease> acquire() { return upstream.reader.acquire({.now = upstream.now, .can_wait = true}); }
  Queue& queue() { return upstream.upstream->queue(); }
  /// Joins, and looks for room as it is told to: there is none.
  void join_in_vain(Caller& caller) {
    ASSERT_TRUE(queue().join(caller, 10));
    if (caller.calls == 0) return;
    ASSERT_FALSE(acquire());
    queue().rejoin(caller);
    caller.calls = 0;
  }

  TestUpstream upstream;
  std::vector<Lease> leases;
  Caller first, second, third;
};

TEST(QueueOfRequests, CallsInOrderWhenALeaseEnds) {
  FullUpstream full(1);
  full.join_in_vain(full.first);
  full.join_in_vain(full.second);
  EXPECT_FALSE(full.queue().join(full.third, 2));
  full.leases.clear();
  EXPECT_EQ(full.first.calls, 1);
  EXPECT_EQ(full.second.calls, 0);
  EXPECT_TRUE(full.queue().is_contended());

  // The first gives up, and its call goes to the second; that one finds no room and is first again.
  full.queue().leave(full.first, false);
  EXPECT_EQ(full.second.calls, 1);
  full.leases.push_back(*full.acquire());
  full.queue().rejoin(full.second);
  full.join_in_vain(full.third);
  full.leases.clear();
  EXPECT_EQ(full.second.calls, 2);
  EXPECT_EQ(full.third.calls, 0);
  full.queue().leave(full.second, true);
  EXPECT_TRUE(full.queue().is_contended());
  full.queue().leave(full.third, false);
  EXPECT_FALSE(full.queue().is_contended());
}

TEST(QueueOfRequests, CallsWhoJoinsAsTheFirstSinceRoomMayHaveComeBefore) {
  FullUpstream full(1);
  full.leases.clear();
  ASSERT_TRUE(full.queue().join(full.first, 10));
  EXPECT_EQ(full.first.calls, 1);
  ASSERT_TRUE(full.queue().join(full.second, 10));
  EXPECT_EQ(full.second.calls, 1) << "nobody has found that there is no more of it";
}

TEST(QueueOfRequests, CallsAgainWhoFoundNoRoomJustBeforeThereWasSome) {
  FullUpstream full(1);
  full.join_in_vain(full.first);
  full.leases.clear();
  ASSERT_EQ(full.first.calls, 1);
  full.leases.push_back(*full.acquire());  // somebody was faster
  ASSERT_FALSE(full.acquire());
  full.leases.clear();  // and is done before the first waits again: there is nobody to call
  full.queue().rejoin(full.first);
  EXPECT_EQ(full.first.calls, 2);
  ASSERT_TRUE(full.acquire());
}

TEST(QueueOfRequests, CallsOneForEachLeaseThatEnds) {
  FullUpstream full(2);
  full.join_in_vain(full.first);
  full.join_in_vain(full.second);
  full.leases.clear();  // the backend is not full any more when the second of them ends
  EXPECT_EQ(full.first.calls, 1);
  EXPECT_EQ(full.second.calls, 1);
}

TEST(QueueOfRequests, KeepsTheOrderOfThoseWhoFindNoRoom) {
  FullUpstream full(2);
  full.join_in_vain(full.first);
  full.join_in_vain(full.second);
  full.join_in_vain(full.third);
  full.leases.clear();
  while (std::optional<Lease> lease = full.acquire()) full.leases.push_back(std::move(*lease));
  full.queue().rejoin(full.second);
  full.queue().rejoin(full.first);
  full.first.calls = full.second.calls = 0;
  full.leases.pop_back();
  EXPECT_EQ(full.first.calls, 1);
  full.leases.pop_back();
  EXPECT_EQ(full.second.calls, 1);
  EXPECT_EQ(full.third.calls, 0);
}

TEST(QueueOfRequests, CallsAllWhenTheMembershipChanges) {
  FullUpstream full(1);
  full.join_in_vain(full.first);
  full.join_in_vain(full.second);
  full.upstream.upstream->update({{.address = "a", .max_conns = 5}});
  EXPECT_EQ(full.first.calls, 1);
  EXPECT_EQ(full.second.calls, 1);
  ASSERT_TRUE(full.queue().join(full.third, 10));
  EXPECT_EQ(full.third.calls, 1) << "there is room for more than those who waited";
}

TEST(QueueOfRequests, CallsAllWhenABackendComesBack) {
  FullUpstream full(1);
  full.upstream.upstream->update({{.address = "a", .max_conns = 1}, {.address = "b"}});
  full.upstream.upstream->veto("b", true);
  full.join_in_vain(full.first);
  full.join_in_vain(full.second);
  full.upstream.upstream->veto("b", false);
  EXPECT_EQ(full.first.calls, 1);
  EXPECT_EQ(full.second.calls, 1);
}

TEST(QueueOfRequests, CanKnowThatTheirBackendTakesNobodyElse) {
  TestUpstream app("least_conn", {{.address = "a", .draining = true, .route = "old"},
                                  {.address = "b", .route = "new"},
                                  {.address = "c", .down = true, .draining = true, .route = "gone"},
                                  {.address = "d", .backup = true, .draining = true, .route = "spare"}});
  EXPECT_TRUE(app.reader.is_draining("old"));
  EXPECT_TRUE(app.reader.is_draining("spare"));
  for (const char* route : {"new", "gone", "unknown", ""}) EXPECT_FALSE(app.reader.is_draining(route)) << route;
}

/// Threads that together want more leases than there may be, again and again, until each had as many as it wants.
void serve_all_among_threads(std::uint32_t max_conns) {
  constexpr int kThreads = 4, kRounds = 2000;
  const auto upstream = std::make_shared<Upstream>("test", *find_picker("least_conn"));
  upstream->update({{.address = "a", .max_conns = max_conns}});
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      UpstreamReader reader(upstream);
      Queue& queue = upstream->queue();
      for (int i = 0; i < kRounds; ++i) {
        Caller caller;
        std::optional<Lease> lease;
        if (!queue.is_contended()) lease = reader.acquire({});
        if (!lease) {
          ASSERT_TRUE(queue.join(caller, 100));
          for (int seen = 0; !lease;) {
            while (caller.calls == seen) std::this_thread::yield();  // for ever, if a call were lost
            ++seen;
            lease = reader.acquire({});
            if (!lease) queue.rejoin(caller);
          }
          queue.leave(caller, true);
        }
        ++served;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, kThreads * kRounds);
  EXPECT_FALSE(upstream->queue().is_contended());
}

TEST(QueueOfRequests, LosesNoCallAmongThreads) {
  for (const std::uint32_t max_conns : {1, 2, 3}) serve_all_among_threads(max_conns);
}

}  // namespace
}  // namespace weir::balancer::testing
