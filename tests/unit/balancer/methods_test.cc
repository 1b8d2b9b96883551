// The methods besides round_robin and least_conn: each by what it promises, and all by what all must keep.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

std::string pick_with(TestUpstream& app, PickRequest request) {
  request.now = app.now;
  const std::optional<Lease> lease = app.reader.acquire(request);
  return lease ? lease->backend().address() : "-";
}

std::string by_key(TestUpstream& app, std::string_view key) { return pick_with(app, {.key = key}); }

std::map<std::string, std::string> mapping(TestUpstream& app, int keys) {
  std::map<std::string, std::string> all;
  for (int i = 0; i < keys; ++i) all[std::to_string(i)] = by_key(app, std::to_string(i));
  return all;
}

/// One request that takes so long.
void serve(TestUpstream& app, std::string_view address, milliseconds took) {
  for (int i = 0; i < 100; ++i) {
    std::optional<Lease> lease = app.acquire();
    if (lease->backend().address() != address) continue;
    app.now += took;
    lease->first_byte(app.now);
    lease->succeeded(app.now);
    return;
  }
  FAIL() << address << " was never picked";
}

class EveryMethod : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryMethod, SkipsWhatCannotBeHadAndGivesUpOnlyThen) {
  TestUpstream app(GetParam(), {{.address = "a"}, {.address = "b", .down = true}, {.address = "c", .draining = true},
                                {.address = "d"}, {.address = "e", .backup = true}});
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i);
    Tried tried;
    std::string order;
    while (std::optional<Lease> lease =
               app.reader.acquire({.tried = &tried, .now = app.now, .key = key, .random = random()})) {
      order += lease->backend().address();
      tried.add(lease->backend());
      ASSERT_LE(tried.size(), 3U);
    }
    ASSERT_TRUE(order == "ade" || order == "dae") << order;
  }
}

TEST_P(EveryMethod, NeverExceedsALimit) {
  TestUpstream app(GetParam(), {{.address = "a", .max_conns = 2}, {.address = "b", .max_conns = 1}});
  std::vector<Lease> leases;
  std::mt19937_64 random(2);
  for (int i = 0; i < 6; ++i) {
    if (auto lease = app.reader.acquire({.now = app.now, .key = "k", .random = random()})) leases.push_back(std::move(*lease));
  }
  EXPECT_EQ(leases.size(), 3U);
  EXPECT_EQ(app.backend("a")->active(), 2U);
  EXPECT_EQ(app.backend("b")->active(), 1U);
}

TEST_P(EveryMethod, DoesTheSameForTheSameRandomBits) {
  const auto run = [] {
    std::vector<Member> members = numbered(20);
    for (std::size_t i = 0; i < members.size(); ++i) members[i].weight = 1 + static_cast<std::uint32_t>(i % 3);
    TestUpstream app(GetParam(), members);
    std::mt19937_64 random(3);
    std::vector<Lease> leases;
    std::string picks;
    for (int i = 0; i < 500; ++i) {
      app.now += milliseconds(random() % 5);
      const std::string key = std::to_string(random() % 50);
      std::optional<Lease> lease = app.reader.acquire({.now = app.now, .key = key, .random = random()});
      picks += lease->backend().address() + " ";
      if (random() % 5 == 0) lease->failed(app.now);
      else if (random() % 4 == 0) lease->erred(app.now);
      else lease->succeeded(app.now);
      leases.push_back(std::move(*lease));
      if (leases.size() > 60) leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(random() % leases.size()));
    }
    return picks;
  };
  EXPECT_EQ(run(), run());
}

TEST_P(EveryMethod, TakesTheOnlyOne) {
  TestUpstream app(GetParam(), {{.address = "a"}});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(by_key(app, std::to_string(i)), "a");
}

std::vector<std::string> all_methods() {
  std::vector<std::string> names;
  for (const PickerSpec& spec : pickers()) names.emplace_back(spec.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod, ::testing::ValuesIn(all_methods()), [](const auto& tested) {
  std::string name = tested.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == ' ' || c == '='; }, '_');
  return name;
});

TEST(Random, DrawsInProportionToWeight) {
  TestUpstream app("random", {{.address = "a", .weight = 3}, {.address = "b"}});
  std::mt19937_64 random(4);
  std::map<std::string, int> counts;
  for (int i = 0; i < 4000; ++i) ++counts[pick_with(app, {.random = random()})];
  EXPECT_NEAR(counts["a"], 3000, 150);
}

TEST(RandomTwo, TakesTheLessLoadedOfTwo) {
  TestUpstream app("random two", {{.address = "a"}, {.address = "b"}});
  const std::optional<Lease> held = app.acquire();
  std::mt19937_64 random(5);
  for (int i = 0; i < 50; ++i) {
    EXPECT_NE(pick_with(app, {.random = random()}), held->backend().address());
  }
}

TEST(Hash, KeepsTheOthersKeysWhenOneIsDown) {
  std::vector<Member> members = numbered(5);
  TestUpstream app("hash", members);
  const auto before = mapping(app, 200);
  members[2].down = true;
  app.upstream->update(members);
  for (const auto& [key, address] : mapping(app, 200)) {
    if (before.at(key) != "2") {
      EXPECT_EQ(address, before.at(key));
    } else {
      EXPECT_NE(address, "2");
    }
  }
}

TEST(HashConsistent, MovesOnlyTheKeysOfWhoLeft) {
  std::vector<Member> members = numbered(10);
  TestUpstream app("hash consistent", members);
  const auto before = mapping(app, 1000);
  members.erase(members.begin() + 3);
  app.upstream->update(members);
  int moved = 0;
  for (const auto& [key, address] : mapping(app, 1000)) {
    if (before.at(key) == "3") {
      ++moved;
    } else {
      EXPECT_EQ(address, before.at(key));
    }
  }
  EXPECT_GT(moved, 30);
}

TEST(HashConsistent, SharesThePointsOfOneServerWithSeveralAddresses) {
  TestUpstream app("hash consistent", {{.address = "10.0.0.1:80", .hash_key = "app:80"},
                                       {.address = "10.0.0.2:80", .hash_key = "app:80"},
                                       {.address = "10.0.0.3:80", .hash_key = "other:80"}});
  std::map<std::string, std::map<std::string, int>> seen;
  for (int key = 0; key < 50; ++key) {
    for (int i = 0; i < 4; ++i) ++seen[std::to_string(key)][by_key(app, std::to_string(key))];
  }
  int shared = 0;
  for (const auto& [key, addresses] : seen) {
    if (addresses.contains("10.0.0.3:80")) {
      EXPECT_EQ(addresses.size(), 1U);
    } else {
      EXPECT_EQ(addresses.at("10.0.0.1:80"), 2) << key;
      ++shared;
    }
  }
  EXPECT_GT(shared, 5);
}

TEST(HashConsistent, FitsThousandsOfHeavyMembersIntoItsRing) {
  TestUpstream app("hash consistent", numbered(2000, 1'000'000));
  std::map<std::string, int> counts;
  for (const auto& [key, address] : mapping(app, 4000)) ++counts[address];
  EXPECT_GT(counts.size(), 1000U);
}

TEST(HashBounded, PassesOverWhoHasAQuarterMoreThanItsShare) {
  TestUpstream app("hash consistent bounded", numbered(8));
  std::vector<Lease> leases;
  for (int i = 0; i < 80; ++i) leases.push_back(*app.reader.acquire({.now = app.now, .key = "the one"}));
  const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_LE(snapshot->primaries()[i].active(), 13U) << i;
}

TEST(LeastTime, PrefersWhoAnswersSooner) {
  TestUpstream app("least_time header", {{.address = "a"}, {.address = "b"}});
  serve(app, "a", milliseconds(500));
  EXPECT_EQ(app.picks(5), "bbbbb");
  serve(app, "b", milliseconds(900));
  EXPECT_EQ(app.picks(5), "aaaaa");
}

TEST(LeastTime, TriesTheSlowOneAgainAfterAWhile) {
  TestUpstream app("least_time last_byte",
                   {{.address = "a", .fail_timeout = seconds(1)}, {.address = "b", .fail_timeout = seconds(1)}});
  serve(app, "a", milliseconds(300));
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += seconds(12);
  EXPECT_NE(app.picks(2).find('a'), std::string::npos);
}

TEST(LeastTime, TakesTurnsWhenTimesAreAlike) {
  TestUpstream app("least_time header", {{.address = "a", .weight = 2}, {.address = "b"}});
  EXPECT_EQ(app.picks(3).size(), 3U);
  std::map<char, int> counts;
  for (const char c : app.picks(30)) ++counts[c];
  EXPECT_GT(counts['a'], counts['b']);
}

TEST(LeastTime, CountsWhatIsLateWithInflight) {
  TestUpstream app("least_time header inflight", {{.address = "a"}, {.address = "b"}});
  const std::optional<Lease> stuck = app.acquire();
  const std::string stuck_at = stuck->backend().address();
  const std::optional<Lease> other = app.acquire();
  ASSERT_NE(other->backend().address(), stuck_at);
  app.now += milliseconds(10);
  const_cast<Lease&>(*other).first_byte(app.now);  // still under way, but it answered
  app.now += seconds(3);
  for (int i = 0; i < 5; ++i) EXPECT_NE(app.pick(), stuck_at);
}

TEST(PeakEwma, ShunsAStallAtOnceAndForgetsIt) {
  TestUpstream app("peak_ewma", {{.address = "a"}, {.address = "b"}});
  serve(app, "a", milliseconds(2));
  serve(app, "b", milliseconds(2));
  serve(app, "a", milliseconds(800));
  EXPECT_EQ(app.picks(20), std::string(20, 'b'));
  for (int i = 0; i < 60; ++i) {
    app.now += seconds(2);
    const std::optional<Lease> lease = app.acquire();
    const_cast<Lease&>(*lease).succeeded(app.now + milliseconds(2));
  }
  std::string later;
  for (int i = 0; i < 20; ++i) {
    app.now += seconds(1);
    std::optional<Lease> lease = app.acquire();
    later += lease->backend().address();
    lease->succeeded(app.now + milliseconds(2));
  }
  EXPECT_NE(later.find('a'), std::string::npos) << later;
}

TEST(Sticky, TakesTheRouteThatIsAskedFor) {
  TestUpstream app("least_conn", {{.address = "a", .route = "1"}, {.address = "b", .route = "2"}, {.address = "c"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pick_with(app, {.route = "2"}), "b");
  EXPECT_EQ(pick_with(app, {.route = app.backend("c")->route()}), "c");
  EXPECT_EQ(app.backend("c")->route(), default_route("c"));
  EXPECT_NE(pick_with(app, {.route = "unknown"}), "-");
  app.upstream->keep_routes(false);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pick_with(app, {.route = "2"}), "b") << "without an index";
  EXPECT_NE(pick_with(app, {.route = "unknown"}), "-");
}

TEST(Sticky, ReachesWhoDrainsButNotWhoIsDown) {
  TestUpstream app("round_robin", {{.address = "a", .draining = true, .route = "1"},
                                   {.address = "b", .down = true, .route = "2"}, {.address = "c", .route = "3"}});
  EXPECT_EQ(app.picks(3), "ccc");
  EXPECT_EQ(pick_with(app, {.route = "1"}), "a");
  EXPECT_EQ(pick_with(app, {.route = "2"}), "c");
}

TEST(Sticky, KnowsTheDefaultRouteOfAnAddress) {
  // MD5, by RFC 1321's own examples and one of two blocks.
  EXPECT_EQ(default_route(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(default_route("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(default_route("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Sessions, AreLearnedFollowedAndForgotten) {
  Sessions sessions;
  const Sessions::Limits limits{.timeout = seconds(2), .most = 16};
  TimePoint now{std::chrono::hours(1)};
  sessions.learn("s", "r1", now, false, limits);
  EXPECT_FALSE(sessions.find("s", now, limits));
  sessions.learn("s", "r1", now, true, limits);
  EXPECT_EQ(sessions.find("s", now, limits), "r1");
  now += seconds(2);
  sessions.learn("s", "r2", now, false, limits);  // in use, elsewhere
  now += seconds(2);
  EXPECT_EQ(sessions.find("s", now, limits), "r2");
  now += milliseconds(1);
  EXPECT_FALSE(sessions.find("s", now, limits));
  const std::string long_name(10'000, 'x');
  sessions.learn(long_name, "r3", now, true, limits);
  EXPECT_EQ(sessions.find(long_name, now, limits), "r3");
  for (int i = 0; i < 1000; ++i) sessions.learn(std::to_string(i), "r", now, true, limits);
  EXPECT_LE(sessions.size(), 16U);
}

TEST(Zones, PrefersItsOwnUntilThatIsLoadedMore) {
  TestUpstream app("least_conn", {{.address = "a", .zone = "x"}, {.address = "b", .zone = "y"},
                                  {.address = "c", .zone = "y"}, {.address = "d", .zone = "y"}});
  app.upstream->set_zone("x");
  std::vector<Lease> leases;
  leases.push_back(*app.acquire());
  EXPECT_EQ(leases.back().backend().address(), "a");
  for (int i = 0; i < 39; ++i) leases.push_back(*app.acquire());
  EXPECT_GE(app.backend("a")->active(), 12U);  // half as much again as the ten of an even share, and a bit
  EXPECT_LE(app.backend("a")->active(), 16U);
  leases.clear();
  EXPECT_EQ(app.picks(4), "aaaa");
}

}  // namespace
}  // namespace weir::balancer::testing
