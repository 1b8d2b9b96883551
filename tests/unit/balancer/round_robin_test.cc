#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

TEST(RoundRobin, TakesTurnsInTheOrderAnnounced) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}, {.address = "c"}});
  EXPECT_EQ(app.picks(7), "abcabca");
}

TEST(RoundRobin, SpreadsWeightsSmoothlyAsNginxDoes) {
  TestUpstream app("round_robin", {{.address = "a", .weight = 5}, {.address = "b"}, {.address = "c"}});
  EXPECT_EQ(app.picks(14), "aabacaaaabacaa");
}

TEST(RoundRobin, SharesTheTurnsOfADownBackendInProportion) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b", .down = true}, {.address = "c"}});
  EXPECT_EQ(app.picks(6), "acacac");
}

TEST(RoundRobin, SkipsWhatWasTried) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}, {.address = "c"}});
  Tried tried;
  tried.add(*app.backend("a"));
  EXPECT_EQ(app.pick(&tried), "b");
  tried.add(*app.backend("b"));
  EXPECT_EQ(app.pick(&tried), "c");
}

TEST(RoundRobin, GoesOnInTheCycleAfterAnUpdate) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}, {.address = "c"}});
  EXPECT_EQ(app.picks(4), "abca");
  app.upstream->update({{.address = "a"}, {.address = "b"}, {.address = "c"}});
  EXPECT_EQ(app.picks(3), "bca");
}

TEST(RoundRobin, IsExactOverSeveralGroups) {
  std::vector<Member> members = numbered(150);
  for (std::size_t i = 0; i < members.size(); ++i) members[i].weight = 1 + i % 3;
  TestUpstream app("round_robin", members);
  std::map<std::string, std::uint32_t> counts;
  for (int i = 0; i < 300 * 4; ++i) ++counts[app.pick()];
  for (const Member& member : members) EXPECT_EQ(counts[member.address], 4 * member.weight) << member.address;
}

TEST(RoundRobin, IsExactOverSeveralThreads) {
  TestUpstream app("round_robin", {{.address = "a", .weight = 3}, {.address = "b", .weight = 2}, {.address = "c"}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&app] {
      UpstreamReader reader(app.upstream);
      for (int picks = 0; picks < 6000; ++picks) ASSERT_TRUE(reader.acquire({.now = app.now}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(app.backend("a")->requests(), 9000U);
  EXPECT_EQ(app.backend("b")->requests(), 6000U);
  EXPECT_EQ(app.backend("c")->requests(), 3000U);
  EXPECT_EQ(app.backend("a")->active(), 0U);
}

}  // namespace
}  // namespace weir::balancer::testing
