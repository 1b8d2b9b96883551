// Slow start, and the price of errors.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

std::map<std::string, int> count(TestUpstream& app, int picks) {
  std::map<std::string, int> counts;
  for (int i = 0; i < picks; ++i) ++counts[app.pick()];
  return counts;
}

TEST(SlowStart, RampsUpWhoJoins) {
  for (const char* method : {"round_robin", "least_conn"}) {
    std::vector<Member> members{{.address = "a"}, {.address = "b"}, {.address = "c"}};
    TestUpstream app(method, members);
    app.pick();
    members.push_back({.address = "d", .slow_start = seconds(10)});
    app.upstream->update(members);
    EXPECT_LE(count(app, 400)["d"], 5) << method;
    app.now += seconds(5);
    app.pick();  // a new weight is computed at a pick, some 50 ms after the last
    EXPECT_NEAR(count(app, 400)["d"], 50, 20) << method;
    app.now += seconds(6);
    app.pick();
    EXPECT_NEAR(count(app, 400)["d"], 100, 3) << method;
    EXPECT_FALSE(app.backend("d")->is_spared());
  }
}

TEST(SlowStart, HoldsBackTheCountOfWhoJoins) {
  std::vector<Member> members{{.address = "a"}, {.address = "b"}, {.address = "c"}};
  TestUpstream app("least_conn", members);
  std::vector<Lease> leases;
  for (int i = 0; i < 60; ++i) leases.push_back(*app.acquire());
  members.push_back({.address = "d", .slow_start = seconds(10)});
  app.upstream->update(members);
  app.pick();
  app.now += seconds(1);
  for (int i = 0; i < 30; ++i) leases.push_back(*app.acquire());
  EXPECT_LE(app.backend("d")->active(), 4U);  // 20 at full weight
}

TEST(SlowStart, IsSuspendedWhenMostOfTheGroupWarmsUp) {
  std::vector<Member> members = numbered(4);
  for (Member& member : members) member.slow_start = seconds(10);
  TestUpstream app("round_robin", members);
  EXPECT_EQ(app.picks(8), "01230123");
}

TEST(SlowStart, FollowsRecoveryAndUndraining) {
  std::vector<Member> members{{.address = "a", .fail_timeout = seconds(1), .slow_start = seconds(10)},
                              {.address = "b"}, {.address = "c"}};
  TestUpstream app("round_robin", members);
  app.pick();
  app.now += seconds(11);
  app.pick();
  std::optional<Lease> lease;
  while (!lease || lease->backend().address() != "a") lease = app.acquire();
  lease->failed(app.now);
  app.now += seconds(1);
  lease.reset();
  while (!lease || lease->backend().address() != "a") lease = app.acquire();
  ASSERT_TRUE(lease->is_check());
  lease->succeeded(app.now);
  lease.reset();
  EXPECT_LE(count(app, 300)["a"], 5);

  app.now += seconds(20);
  app.pick();
  EXPECT_NEAR(count(app, 300)["a"], 100, 3);
  members[0].draining = true;
  app.upstream->update(members);
  members[0].draining = false;
  app.upstream->update(members);
  EXPECT_LE(count(app, 300)["a"], 5);
}

/// Three backends that hold ten requests each; `a` answers every one at once, with an error.
TEST(Errors, ABackendThatFailsFastDoesNotAttractTraffic) {
  for (const char* method : {"least_conn", "random two", "least_time header", "peak_ewma"}) {
    TestUpstream app(method, {{.address = "a"}, {.address = "b"}, {.address = "c"}});
    std::vector<Lease> held;
    int to_a = 0;
    std::uint64_t random = 1;
    for (int i = 0; i < 2000; ++i) {
      app.now += milliseconds(5);
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      std::optional<Lease> lease = app.reader.acquire({.now = app.now, .random = random >> 7});
      if (lease->backend().address() == "a") {
        ++to_a;
        lease->erred(app.now);
        continue;
      }
      lease->first_byte(app.now);
      lease->succeeded(app.now + milliseconds(50));
      held.push_back(std::move(*lease));
      if (held.size() > 20) held.erase(held.begin());
    }
    EXPECT_LT(to_a, 100) << method;  // an even share were 667
    EXPECT_GT(to_a, 5) << method;    // it is not left alone
  }
}

TEST(Errors, AreForgottenWhenItAnswersWellAgain) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  for (int i = 0; i < 40; ++i) {
    std::optional<Lease> lease = app.acquire();
    if (lease->backend().address() == "a") lease->erred(app.now);
  }
  app.now += milliseconds(60);
  app.pick();
  EXPECT_LT(app.backend("a")->weight_now(), 0.2F);
  EXPECT_EQ(app.backend("a")->weight(), 1U);
  app.now += seconds(60);
  app.pick();
  EXPECT_EQ(app.backend("a")->weight_now(), 1.0F);
  EXPECT_NEAR(count(app, 100)["a"], 50, 1);
}

TEST(Errors, OneInTenCostsNothing) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  for (int i = 0; i < 200; ++i) {
    std::optional<Lease> lease = app.acquire();
    i % 20 == 0 ? lease->erred(app.now) : lease->succeeded(app.now);
    app.now += milliseconds(60);
  }
  EXPECT_EQ(app.backend("a")->weight_now(), 1.0F);
}

TEST(Errors, DoNotMoveKeys) {
  TestUpstream app("hash consistent", {{.address = "a"}, {.address = "b"}});
  std::optional<Lease> first = app.reader.acquire({.now = app.now, .key = "k"});
  for (int i = 0; i < 50; ++i) first->erred(app.now);
  app.now += milliseconds(60);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(app.reader.acquire({.now = app.now, .key = "k"})->backend().address(), first->backend().address());
  }
}

TEST(Updates, DoNotLeaveWhoReturnsToRestForEver) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}, {.address = "c"}});
  const std::optional<Lease> kept = app.acquire();
  ASSERT_EQ(kept->backend().address(), "a");
  while (!app.backend("a")->is_failed()) {
    if (std::optional<Lease> lease = app.acquire(); lease->backend().address() == "a") lease->failed(app.now);
  }
  app.upstream->update({{.address = "b"}, {.address = "c"}});
  app.now += seconds(60);
  EXPECT_EQ(app.picks(4).find('a'), std::string::npos);  // those who are there are looked at
  app.upstream->update({{.address = "a"}, {.address = "b"}, {.address = "c"}});
  EXPECT_NE(app.picks(6).find('a'), std::string::npos);
}

/// `least_conn`, and what happens on another thread while pickers for a new membership are made.
std::function<void()> meanwhile;
PickerSpec interrupted_least_conn() {
  PickerSpec method = *find_picker("least_conn");
  method.make = [](const Backends& backends) {
    if (meanwhile) meanwhile();
    return find_picker("least_conn")->make(backends);
  };
  return method;
}

TEST(Updates, DoNotLeaveANewcomerColdWhomAnotherThreadDidNotSeeYet) {
  std::vector<Member> members = {{.address = "a"}, {.address = "b"}};
  TestUpstream app("least_conn", members);
  app.upstream->set_method(interrupted_least_conn());
  app.pick();
  members.push_back({.address = "c", .slow_start = seconds(30)});
  meanwhile = [&] { app.pick(); };
  app.upstream->update(members);
  meanwhile = nullptr;
  EXPECT_LE(count(app, 300)["c"], 5);
}

TEST(Updates, DoNotLeaveWhoReturnsToRestForEverIfAnotherThreadDidNotSeeItYet) {
  const std::vector<Member> members = {{.address = "a"}, {.address = "b"}, {.address = "c"}};
  TestUpstream app("least_conn", members);
  app.upstream->set_method(interrupted_least_conn());
  std::vector<Lease> kept;
  while (!app.backend("a")->is_failed()) {
    kept.push_back(*app.acquire());
    if (kept.back().backend().address() == "a") kept.back().failed(app.now);
  }
  app.upstream->update({{.address = "b"}, {.address = "c"}});
  app.now += seconds(60);
  app.pick();
  meanwhile = [&] { app.pick(); };
  app.upstream->update(members);
  meanwhile = nullptr;
  app.pick();
  EXPECT_FALSE(app.backend("a")->is_failed());
}

TEST(Updates, DoNotSendTheNextRequestsToOneBackend) {
  for (const char* method : {"round_robin", "least_conn"}) {
    std::vector<Member> members = numbered(5);
    TestUpstream app(method, members);
    std::map<std::string, int> counts;
    for (int i = 0; i < 100; ++i) {
      ++counts[app.pick()];
      members.back().address = "n" + std::to_string(i % 2);
      app.upstream->update(members);
    }
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(counts[std::to_string(i)], 20, 6) << method << " " << i;
  }
}

}  // namespace
}  // namespace weir::balancer::testing
