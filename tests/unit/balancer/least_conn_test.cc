#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

TEST(LeastConn, PrefersTheBackendWithTheFewest) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  std::optional<Lease> first = app.acquire();
  EXPECT_EQ(first->backend().address(), "a");
  EXPECT_EQ(app.picks(3), "bbb");
  first.reset();
  EXPECT_EQ(app.picks(4), "baba");  // b did not take turns while it was alone
}

TEST(LeastConn, CountsPerUnitOfWeight) {
  TestUpstream app("least_conn", {{.address = "a", .weight = 3}, {.address = "b"}});
  std::vector<Lease> leases;
  for (int i = 0; i < 40; ++i) leases.push_back(*app.acquire());
  EXPECT_EQ(app.backend("a")->active(), 30U);
  EXPECT_EQ(app.backend("b")->active(), 10U);
}

TEST(LeastConn, BreaksTiesBySmoothWeightedRoundRobin) {
  TestUpstream app("least_conn", {{.address = "a", .weight = 5}, {.address = "b"}, {.address = "c"}});
  EXPECT_EQ(app.picks(14), "aabacaaaabacaa");
}

TEST(LeastConn, SkipsWhatWasTried) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  Tried tried;
  tried.add(*app.backend("a"));
  EXPECT_EQ(app.pick(&tried), "b");
  EXPECT_EQ(app.pick(&tried), "b");
  tried.add(*app.backend("b"));
  EXPECT_EQ(app.pick(&tried), "-");
}

TEST(LeastConn, SpreadsIdlePicksOverAllGroups) {
  TestUpstream app("least_conn", numbered(1000));
  std::map<std::string, int> counts;
  for (int i = 0; i < 3000; ++i) ++counts[app.pick()];
  EXPECT_EQ(counts.size(), 1000U);
  for (const auto& [address, count] : counts) EXPECT_NEAR(count, 3, 1) << address;
}

TEST(LeastConn, SpreadsIdlePicksByWeightOverUnequalGroups) {
  std::vector<Member> members = numbered(700);  // ten full groups of three weights, and the rest
  for (std::size_t i = 0; i < members.size(); ++i) members[i].weight = i < 200 ? 6 : i < 400 ? 3 : 1;
  TestUpstream app("least_conn", members);
  std::map<std::string, double> counts;
  for (int i = 0; i < 20 * (200 * 6 + 200 * 3 + 300); ++i) ++counts[app.pick()];
  for (const Member& member : members) {
    EXPECT_NEAR(counts[member.address] / member.weight, 20, 2) << member.address << " of weight " << member.weight;
  }
}

struct Size {
  int backends;
  std::uint32_t most_weight;
};

class LeastConnModel : public ::testing::TestWithParam<Size> {};

/// Whether no available backend was loaded less than `chosen` before this lease.
bool was_least(const Snapshot& snapshot, const Backend& chosen) {
  const Backends& all = snapshot.primaries();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (&all[i] == &chosen || !all[i].is_available()) continue;
    if (all[i].is_spared()) continue;  // passed over, perhaps
    if (static_cast<float>(all[i].active()) * chosen.weight_now() <
        static_cast<float>(chosen.active() - 1) * all[i].weight_now()) {
      return false;
    }
  }
  return true;
}

TEST_P(LeastConnModel, AlwaysTakesOneOfTheLeastLoadedThroughEverything) {
  const auto [count, most_weight] = GetParam();
  std::mt19937 random(7);
  std::vector<Member> members = numbered(count);
  for (Member& member : members) {
    member.weight = 1 + random() % most_weight;
    member.max_fails = 1;
    member.fail_timeout = milliseconds(50);
  }
  TestUpstream app("least_conn", members);
  std::vector<Lease> leases;
  for (int step = 0; step < 20'000; ++step) {
    app.now += milliseconds(random() % 2);
    const auto chance = random() % 1000;
    if (chance < 5) {  // one changes: weight, limit, out of service, back
      Member& member = members[random() % members.size()];
      member.weight = 1 + random() % most_weight;
      member.max_conns = random() % 4 == 0 ? 1 + random() % 5 : 0;
      member.draining = random() % 4 == 0;
      app.upstream->update(members);
    } else if (chance < 8) {  // one leaves, and is announced at another place in the list
      std::vector<Member> fewer = members;
      const auto leaver = fewer.begin() + static_cast<std::ptrdiff_t>(random() % fewer.size());
      fewer.erase(leaver);
      app.upstream->update(fewer);
      std::rotate(members.begin(), members.begin() + 1, members.end());
      app.upstream->update(members);
    } else if (chance < 20 && !leases.empty()) {
      leases[random() % leases.size()].failed(app.now);
    } else if (leases.size() > random() % (4U * static_cast<unsigned>(count))) {
      const std::size_t which = random() % leases.size();
      if (random() % 2 == 0) leases[which].succeeded(app.now);
      std::swap(leases[which], leases.back());
      leases.pop_back();
    } else if (std::optional<Lease> lease = app.acquire()) {
      const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
      const Backend& chosen = lease->backend();
      // In panic any will do; then none was available before this one.
      ASSERT_TRUE(lease->is_check() || was_least(*snapshot, chosen)) << "step " << step;
      const std::uint32_t limit = chosen.member().max_conns;
      ASSERT_TRUE(limit == 0 || chosen.active() <= limit) << "step " << step;
      ASSERT_FALSE(chosen.is_shut());
      leases.push_back(std::move(*lease));
    }
  }
  std::map<const Backend*, std::uint32_t> held;
  for (const Lease& lease : leases) ++held[&lease.backend()];
  for (const auto& [backend, number] : held) EXPECT_EQ(backend->active(), number);
  leases.clear();
  const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
  for (std::size_t i = 0; i < snapshot->primaries().size(); ++i) EXPECT_EQ(snapshot->primaries()[i].active(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Sizes, LeastConnModel,
                         ::testing::Values(Size{2, 1}, Size{7, 10}, Size{64, 1}, Size{100, 100}, Size{700, 1},
                                           Size{700, 20}),
                         [](const auto& param_info) {
                           return std::to_string(param_info.param.backends) + "BackendsOfWeightUpTo" +
                                  std::to_string(param_info.param.most_weight);
                         });

TEST(LeastConn, FillsThousandsEvenly) {
  TestUpstream app("least_conn", numbered(5000));
  std::vector<Lease> leases;
  for (int i = 0; i < 15'000; ++i) leases.push_back(*app.acquire());
  const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
  for (std::size_t i = 0; i < 5000; ++i) ASSERT_EQ(snapshot->primaries()[i].active(), 3U) << i;
}

TEST(LeastConn, FindsTheOneThatBecameFreeAmongThousands) {
  TestUpstream app("least_conn", numbered(5000));
  std::vector<Lease> leases;
  for (int i = 0; i < 10'000; ++i) leases.push_back(*app.acquire());
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    Lease& lease = leases[random() % leases.size()];
    const std::string address = lease.backend().address();
    { const Lease ended = std::move(lease); }
    std::optional<Lease> next = app.acquire();
    ASSERT_EQ(next->backend().address(), address);
    lease = std::move(*next);
  }
}

TEST(LeastConn, StaysExactWhenBackendsChangeTheirTier) {
  std::vector<Member> members = numbered(800);
  TestUpstream app("least_conn", members);
  for (std::size_t i = 0; i < members.size(); i += 2) members[i].backup = true;
  app.upstream->update(members);
  std::vector<Lease> leases;
  for (int i = 0; i < 800; ++i) leases.push_back(*app.acquire());
  for (std::size_t i = 0; i < members.size(); ++i) {
    ASSERT_EQ(app.upstream->snapshot()->primaries()[i / 2].active(), 2U);
  }
}

}  // namespace
}  // namespace weir::balancer::testing
