#include <gtest/gtest.h>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

/// A lease of this backend: picks until it comes.
std::optional<Lease> acquire(TestUpstream& app, std::string_view address) {
  for (int i = 0; i < 100; ++i) {
    std::optional<Lease> lease = app.acquire();
    if (lease && lease->backend().address() == address) return lease;
  }
  ADD_FAILURE() << address << " was never picked";
  return std::nullopt;
}

void fail(TestUpstream& app, std::string_view address) {
  if (std::optional<Lease> lease = acquire(app, address)) lease->failed(app.now);
}

TEST(Health, MarksABackendAfterMaxFails) {
  TestUpstream app("round_robin", {{.address = "a", .max_fails = 2}, {.address = "b"}});
  fail(app, "a");
  EXPECT_FALSE(app.backend("a")->is_failed());
  fail(app, "a");
  EXPECT_TRUE(app.backend("a")->is_failed());
  EXPECT_EQ(app.picks(4), "bbbb");
  EXPECT_EQ(app.backend("a")->failures(), 2U);
}

TEST(Health, LetsOneRequestCheckAfterFailTimeout) {
  TestUpstream app("round_robin", {{.address = "a", .fail_timeout = seconds(5)}, {.address = "b"}});
  fail(app, "a");
  app.now += milliseconds(4999);
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += milliseconds(1);
  std::optional<Lease> check = acquire(app, "a");
  EXPECT_TRUE(check->is_check());
  EXPECT_EQ(app.picks(3), "bbb");  // one at a time
  check->succeeded(app.now);
  check.reset();
  EXPECT_EQ(app.picks(4).find("bb"), std::string::npos);
}

TEST(Health, RestsAgainWhenTheCheckFails) {
  TestUpstream app("round_robin", {{.address = "a", .fail_timeout = seconds(5)}, {.address = "b"}});
  fail(app, "a");
  app.now += seconds(5);
  fail(app, "a");
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += milliseconds(4999);
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += milliseconds(1);
  EXPECT_EQ(app.pick(), "a");
}

TEST(Health, SendsAnotherCheckWhenTheFirstNeverReports) {
  TestUpstream app("round_robin", {{.address = "a", .fail_timeout = seconds(5)}, {.address = "b"}});
  fail(app, "a");
  app.now += seconds(5);
  const std::optional<Lease> silent = acquire(app, "a");
  ASSERT_TRUE(silent->is_check());
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += seconds(5);
  std::optional<Lease> second = acquire(app, "a");
  second->succeeded(app.now);
  EXPECT_FALSE(app.backend("a")->is_failed());
}

TEST(Health, IgnoresTheSuccessOfARequestThatBeganBeforeTheFailure) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  std::optional<Lease> before = app.acquire();
  ASSERT_EQ(before->backend().address(), "a");
  fail(app, "a");
  before->succeeded(app.now);
  EXPECT_TRUE(app.backend("a")->is_failed());
}

TEST(Health, ForgetsFailuresThatAreLongPast) {
  TestUpstream app("round_robin", {{.address = "a", .max_fails = 2, .fail_timeout = seconds(5)}, {.address = "b"}});
  fail(app, "a");
  app.now += seconds(5);
  for (int i = 0; i < 2; ++i) app.acquire()->succeeded(app.now);
  fail(app, "a");
  EXPECT_FALSE(app.backend("a")->is_failed());
}

TEST(Health, CountsFailuresInASlidingWindow) {
  TestUpstream app("round_robin", {{.address = "a", .max_fails = 3, .fail_timeout = seconds(10)}, {.address = "b"}});
  // Never three within ten seconds, though good answers and long pauses lie between none of them.
  for (int i = 0; i < 8; ++i) {
    fail(app, "a");
    ASSERT_FALSE(app.backend("a")->is_failed()) << i;
    app.now += seconds(5);
  }
  fail(app, "a");
  app.now += seconds(4);
  fail(app, "a");  // the third within 9 s
  EXPECT_TRUE(app.backend("a")->is_failed());
}

TEST(Health, CountsManyFailuresInBatches) {
  TestUpstream app("round_robin", {{.address = "a", .max_fails = 100, .fail_timeout = seconds(10)}, {.address = "b"}});
  int fails = 0;
  for (; fails < 200 && !app.backend("a")->is_failed(); ++fails) fail(app, "a");
  EXPECT_GE(fails, 100);
  EXPECT_LE(fails, 106);
}

TEST(Health, SaysWhenItUsesAllBecauseAllAreMarked) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  EXPECT_FALSE(app.acquire()->is_last_resort());
  fail(app, "a");
  EXPECT_FALSE(app.upstream->snapshot()->is_in_panic());
  fail(app, "b");
  EXPECT_TRUE(app.upstream->snapshot()->is_in_panic());
  app.now += milliseconds(1);
  std::string used;
  for (int i = 0; i < 4; ++i, app.now += milliseconds(1)) {
    const std::optional<Lease> lease = app.acquire();
    EXPECT_TRUE(lease->is_last_resort());
    used += lease->backend().address();
  }
  EXPECT_TRUE(used == "abab" || used == "baba") << used;
}

TEST(Health, TellsOnceThatAPanicBeginsAndThatItEnds) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  const auto change = [&] { return app.reader.note_panic(*app.acquire()); };
  EXPECT_EQ(change(), PanicChange::None);
  fail(app, "a");
  EXPECT_EQ(change(), PanicChange::None);
  fail(app, "b");
  EXPECT_EQ(change(), PanicChange::Begins);
  EXPECT_EQ(change(), PanicChange::None);
  // It comes and goes: nobody wants to hear about that.
  for (int i = 0; i < 5; ++i, app.now += milliseconds(100)) {
    app.acquire()->succeeded(app.now);
    EXPECT_EQ(change(), PanicChange::None);
    app.acquire()->failed(app.now);
    ASSERT_TRUE(app.upstream->snapshot()->is_in_panic());
    EXPECT_EQ(change(), PanicChange::None);
  }
  app.now += seconds(1);
  EXPECT_EQ(change(), PanicChange::None) << "it goes on";
  app.acquire()->succeeded(app.now);
  EXPECT_EQ(change(), PanicChange::Ends);
  EXPECT_EQ(change(), PanicChange::None);
}

TEST(Health, NeverMarksWithMaxFailsZero) {
  TestUpstream app("round_robin", {{.address = "a", .max_fails = 0}, {.address = "b"}});
  for (int i = 0; i < 10; ++i) fail(app, "a");
  EXPECT_FALSE(app.backend("a")->is_failed());
  EXPECT_EQ(app.backend("a")->failures(), 10U);
}

TEST(Health, NeverMarksTheOnlyBackend) {
  TestUpstream app("least_conn", {{.address = "a"}});
  for (int i = 0; i < 10; ++i) fail(app, "a");
  EXPECT_TRUE(app.backend("a")->is_available());
  EXPECT_EQ(app.picks(2), "aa");
}

TEST(Health, LiftsTheMarkOfWhoBecomesTheOnlyBackend) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  fail(app, "a");
  app.upstream->update({{.address = "a"}});
  EXPECT_TRUE(app.backend("a")->is_available());
}

TEST(Health, KeepsTheMarkThroughAnUpdate) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  fail(app, "a");
  app.upstream->update({{.address = "a", .weight = 7}, {.address = "b"}, {.address = "c"}});
  EXPECT_TRUE(app.backend("a")->is_failed());
  EXPECT_EQ(app.backend("a")->failures(), 1U);
  EXPECT_EQ(app.backend("a")->weight(), 7U);
}

TEST(Health, TriesTheLeastRecentlyFailedWhenAllAreMarked) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}, {.address = "c", .backup = true}});
  for (const char* address : {"b", "a", "c"}) {
    fail(app, address);
    app.now += milliseconds(10);
  }
  // The one tried without an answer yet is not tried again before the others.
  const std::optional<Lease> first = app.acquire();
  EXPECT_EQ(first->backend().address(), "b");
  app.now += milliseconds(1);
  EXPECT_EQ(app.pick(), "a");
  app.now += milliseconds(1);
  EXPECT_EQ(app.pick(), "c");
}

TEST(Health, ComesBackAtOnceWhenTheLastResortWorked) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  fail(app, "a");
  app.now += milliseconds(10);
  fail(app, "b");
  app.acquire()->succeeded(app.now);
  EXPECT_FALSE(app.backend("a")->is_failed());
  EXPECT_TRUE(app.backend("b")->is_failed());
  EXPECT_EQ(app.picks(3), "aaa");
}

TEST(Health, NeverGivesUpWhileAnUntriedBackendIsInService) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}, {.address = "c", .down = true}});
  for (int request = 0; request < 50; ++request) {
    Tried tried;
    for (int attempt = 0; attempt < 2; ++attempt) {
      std::optional<Lease> lease = app.acquire(&tried);
      ASSERT_TRUE(lease) << "request " << request << " attempt " << attempt;
      ASSERT_FALSE(tried.contains(lease->backend()));
      tried.add(lease->backend());
      lease->failed(app.now);
    }
    EXPECT_FALSE(app.acquire(&tried));
  }
}

}  // namespace
}  // namespace weir::balancer::testing
