#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

TEST(Upstream, HasNothingToOfferBeforeTheFirstMembership) {
  auto upstream = std::make_shared<Upstream>("app", *find_picker("least_conn"));
  UpstreamReader reader(upstream);
  EXPECT_FALSE(reader.acquire({}));
  EXPECT_EQ(upstream->snapshot()->generation(), 0U);
}

TEST(Upstream, ShowsANewMemberToReadersAtOnce) {
  TestUpstream app("round_robin", {{.address = "a"}});
  EXPECT_EQ(app.pick(), "a");
  app.upstream->update({{.address = "b"}});
  EXPECT_EQ(app.picks(2), "bb");
}

TEST(Upstream, SharesMembersWithWhoeverAnnouncesThem) {
  const Members first{{.address = "a", .weight = 2}, {.address = "b"}};
  TestUpstream app("round_robin");
  app.upstream->update(first);
  EXPECT_EQ(first.shared(0).use_count(), 2);
  const Members alike{{.address = "a", .weight = 2}, {.address = "b"}};
  app.upstream->update(alike);
  EXPECT_EQ(first.shared(0).use_count(), 1);
  EXPECT_EQ(alike.shared(0).use_count(), 2);
  const Members parts[] = {{{.address = "a", .weight = 3}}, alike};  // of those with the same address the first counts
  app.upstream->update(parts);
  EXPECT_EQ(app.backend("a")->weight(), 3U);
  EXPECT_EQ(app.upstream->snapshot()->primaries().size(), 2U);
}

TEST(Members, CopiesShareTheListUntilOneGrows) {
  Members members{{.address = "a"}};
  const Members copy = members;
  EXPECT_TRUE(copy.shares(members));
  members.push_back({.address = "b"});
  EXPECT_FALSE(copy.shares(members));
  EXPECT_EQ(copy.size(), 1U);
  EXPECT_EQ(members.size(), 2U);
  EXPECT_EQ(members.shared(0), copy.shared(0));
}

TEST(Upstream, PublishesNothingForARuleThatStands) {
  TestUpstream app("round_robin", {{.address = "a"}});
  app.upstream->keep_timings(true);
  app.upstream->set_zone("eu");
  const std::uint64_t generation = app.upstream->snapshot()->generation();
  app.upstream->keep_timings(true);
  app.upstream->keep_routes(true);
  app.upstream->set_zone("eu");
  EXPECT_EQ(app.upstream->snapshot()->generation(), generation);
  app.upstream->keep_routes(false);
  EXPECT_EQ(app.upstream->snapshot()->generation(), generation + 1);
}

TEST(Upstream, KeepsIdentityAndCountersOfWhoStays) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  const std::uint64_t id = app.backend("a")->id();
  const std::optional<Lease> lease = app.acquire();
  app.upstream->update({{.address = "c"}, {.address = "a", .weight = 9, .max_conns = 4, .name = "first"}});
  const Backend& backend = *app.backend("a");
  EXPECT_EQ(backend.id(), id);
  EXPECT_EQ(backend.active(), 1U);
  EXPECT_EQ(backend.requests(), 1U);
  EXPECT_EQ(backend.weight(), 9U);
  EXPECT_EQ(backend.member(), (Member{.address = "a", .weight = 9, .max_conns = 4, .name = "first"}));
  EXPECT_EQ(&lease->backend(), &backend);
}

TEST(Upstream, KeepsABackendThatLeftUntilItsLastLeaseEnds) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  std::optional<Lease> lease = app.acquire();
  ASSERT_EQ(lease->backend().address(), "a");
  app.upstream->update({{.address = "b"}});
  EXPECT_EQ(app.picks(3), "bbb");
  EXPECT_EQ(lease->backend().active(), 1U);
  EXPECT_TRUE(lease->backend().is_shut());
  lease->failed(app.now);
}

TEST(Upstream, RecognisesABackendThatReturnsWhileItHasLeases) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  const std::optional<Lease> lease = app.acquire();
  app.upstream->update({{.address = "b"}});
  app.upstream->update({{.address = "a"}, {.address = "b"}});
  EXPECT_EQ(app.backend("a"), &lease->backend());
  EXPECT_EQ(app.backend("a")->active(), 1U);
  EXPECT_EQ(app.picks(3), "bbb");
}

TEST(Upstream, StartsAnewWithABackendThatReturnsWithoutLeases) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  const std::uint64_t id = app.backend("a")->id();
  app.upstream->update({{.address = "b"}});
  app.upstream->update({{.address = "a"}, {.address = "b"}});
  EXPECT_NE(app.backend("a")->id(), id);
  EXPECT_EQ(app.pick(), "a");
}

TEST(Upstream, LetsALeaseOutliveEverything) {
  std::optional<Lease> lease;
  {
    TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
    lease = app.acquire();
  }
  EXPECT_EQ(lease->backend().address(), "a");
  EXPECT_EQ(lease->backend().active(), 1U);
  lease->failed(TimePoint{});
  lease.reset();
}

TEST(Upstream, GivesEachOfManyUpstreamsItsOwnCounters) {
  // Boards are recycled: what an upstream left behind must not show in the next.
  for (int round = 0; round < 50; ++round) {
    TestUpstream app("least_conn", numbered(200));
    for (int i = 0; i < 200; ++i) {
      std::optional<Lease> lease = app.acquire();
      ASSERT_EQ(lease->backend().active(), 1U);
      if (round % 2 == 0) lease->failed(app.now);
    }
  }
}

TEST(Upstream, CountsTheFirstOfTwoMembersWithOneAddress) {
  TestUpstream app("round_robin", {{.address = "a", .weight = 2}, {.address = "b"}, {.address = "a", .weight = 5}});
  EXPECT_EQ(app.upstream->snapshot()->primaries().size(), 2U);
  EXPECT_EQ(app.backend("a")->weight(), 2U);
}

TEST(Upstream, KnowsItsBackendsInWhateverOrderTheyAreAnnounced) {
  TestUpstream app("least_conn", numbered(40));
  std::vector<Lease> leases;
  for (int i = 0; i < 40; ++i) leases.push_back(*app.acquire());
  std::vector<const Backend*> known(40);
  for (int i = 0; i < 40; ++i) known[static_cast<std::size_t>(i)] = app.backend(std::to_string(i));
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Member> members = numbered(40);
    if (round % 2 == 0) std::shuffle(members.begin(), members.end(), random);
    members.resize(random() % 40 + 1);
    for (std::size_t i = 0; i < 3; ++i) members.push_back({.address = members[random() % members.size()].address, .weight = 9});
    app.upstream->update(members);
    const std::set<std::string> wanted = [&] {
      std::set<std::string> addresses;
      for (const Member& member : members) addresses.insert(member.address);
      return addresses;
    }();
    ASSERT_EQ(app.upstream->snapshot()->primaries().size(), wanted.size());
    for (const std::string& address : wanted) {
      ASSERT_EQ(app.backend(address), known[static_cast<std::size_t>(std::stoi(address))]) << "round " << round;
      ASSERT_EQ(app.backend(address)->active(), 1u);
      ASSERT_EQ(app.backend(address)->weight(), 1u) << "of two with one address the first counts";
    }
  }
}

TEST(Upstream, KnowsMembersThatAreSharedWhateverListTheyComeIn) {
  constexpr std::size_t kAll = 500;
  const Members all(numbered(kAll));
  const Members heavy(numbered(kAll, 9));
  TestUpstream app("least_conn", numbered(kAll));
  std::vector<Lease> leases;  // so that who comes back is the same
  std::map<std::string, std::uint64_t> ids;
  for (std::size_t i = 0; i < kAll; ++i) leases.push_back(*app.acquire());
  for (const Lease& lease : leases) ids[lease.backend().address()] = lease.backend().id();
  ASSERT_EQ(ids.size(), kAll);

  std::minstd_rand random(11);
  std::vector<std::size_t> order(kAll);
  std::iota(order.begin(), order.end(), 0);
  for (int round = 0; round < 300; ++round) {
    if (round % 5 == 0) std::shuffle(order.begin(), order.end(), random);
    // Runs of members that are left out, short ones and some that are longer than what is looked through.
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < kAll; ++i) {
      if (random() % 40 == 0) i += random() % (round % 2 == 0 ? 5 : 150);
      if (i < kAll) kept.push_back(order[i]);
    }
    if (kept.empty()) kept.push_back(0);
    Members members;
    std::map<std::string, std::uint32_t> wanted;
    const auto add = [&](std::size_t i) {
      const Members::Pointer& member = (random() % 30 == 0 ? heavy : all).shared(i);
      members.push_back(member);
      wanted.try_emplace(member->address, member->weight);
    };
    for (const std::size_t i : kept) {
      add(i);
      if (random() % 50 == 0) add(kept[random() % kept.size()]);  // said twice, before or after
    }
    app.upstream->update(members);
    const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
    ASSERT_EQ(snapshot->primaries().size(), wanted.size()) << "round " << round;
    for (const Backends::Entry& entry : snapshot->primaries().entries()) {
      const std::string& address = entry.backend->address();
      ASSERT_EQ(entry.id, ids[address]) << "round " << round;
      ASSERT_EQ(entry.weight, wanted.at(address)) << "round " << round;
      ASSERT_EQ(entry.backend->weight(), entry.weight);
      ASSERT_FALSE(entry.backend->is_shut());
      wanted.erase(address);
    }
    ASSERT_TRUE(wanted.empty());
  }
}

TEST(Upstream, ItsSnapshotsOutliveItWithTheirBackends) {
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  {
    TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
    for (const char* next : {"c", "d", "e"}) {
      snapshots.push_back(app.upstream->snapshot());
      app.upstream->update({{.address = "b"}, {.address = next}});
    }
    snapshots.push_back(app.upstream->snapshot());
  }
  const auto second = [](const std::shared_ptr<const Snapshot>& snapshot) { return snapshot->primaries()[1].address(); };
  EXPECT_EQ(snapshots[0]->primaries()[0].address(), "a");
  EXPECT_EQ(second(snapshots[0]), "b");
  snapshots.erase(snapshots.begin() + 1);  // in no order
  EXPECT_EQ(second(snapshots[1]), "d");
  snapshots.erase(snapshots.begin());
  EXPECT_EQ(second(snapshots[0]), "d");
  EXPECT_EQ(second(snapshots[1]), "e");
}

TEST(Upstream, AnOldSnapshotGoesAfterManyChanges) {
  TestUpstream app("round_robin", {{.address = "a"}});
  std::shared_ptr<const Snapshot> old = app.upstream->snapshot();
  const Members one{{.address = "b"}}, other{{.address = "c"}};
  for (int i = 0; i < 200'000; ++i) app.upstream->update(i % 2 == 0 ? one : other);
  EXPECT_EQ(old->primaries()[0].address(), "a");
  old.reset();  // with a row of changes behind it
  EXPECT_EQ(app.pick(), "c");
}

TEST(Upstream, TheOnlyOneIsNeverMarkedUntilItHasAFellow) {
  TestUpstream app("round_robin", {{.address = "a"}});
  app.acquire()->failed(app.now);
  EXPECT_FALSE(app.backend("a")->is_failed());
  app.upstream->update({{.address = "a"}, {.address = "b"}});
  for (int i = 0; i < 2; ++i) app.acquire()->failed(app.now);
  EXPECT_TRUE(app.backend("a")->is_failed());
  app.upstream->update({{.address = "a"}});
  EXPECT_FALSE(app.backend("a")->is_failed());
}

TEST(Upstream, UsesBackupsOnlyWhenNoPrimaryCanBe) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b", .backup = true}});
  EXPECT_EQ(app.picks(3), "aaa");
  app.acquire()->failed(app.now);
  EXPECT_EQ(app.picks(3), "bbb");
  app.now += seconds(10);
  app.acquire()->succeeded(app.now);
  EXPECT_EQ(app.picks(3), "aaa");
}

TEST(Upstream, UsesABackupForARequestThatTriedAllPrimaries) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b", .backup = true}});
  Tried tried;
  tried.add(*app.backend("a"));
  EXPECT_EQ(app.pick(&tried), "b");
}

TEST(Upstream, GivesNothingToDownDrainingOrWeightlessMembers) {
  TestUpstream app("round_robin", {{.address = "a", .down = true},
                                   {.address = "b", .draining = true},
                                   {.address = "c", .weight = 0},
                                   {.address = "d"}});
  EXPECT_EQ(app.picks(3), "ddd");
  app.upstream->update({{.address = "a", .down = true}, {.address = "b", .draining = true}});
  EXPECT_EQ(app.pick(), "-");
  app.upstream->update({{.address = "a"}, {.address = "b", .draining = true}});
  EXPECT_EQ(app.picks(2), "aa");
}

TEST(Upstream, NeverExceedsMaxConns) {
  TestUpstream app("least_conn", {{.address = "a", .max_conns = 2}, {.address = "b", .max_conns = 1}});
  std::vector<Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(*app.acquire());
  EXPECT_EQ(app.backend("a")->active(), 2U);
  EXPECT_TRUE(app.backend("a")->is_full());
  EXPECT_FALSE(app.acquire());
  leases.erase(leases.begin());
  EXPECT_TRUE(app.acquire());
}

TEST(Upstream, AppliesAChangedLimitToLeasesThatExist) {
  TestUpstream app("least_conn", {{.address = "a"}});
  std::vector<Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(*app.acquire());
  app.upstream->update({{.address = "a", .max_conns = 2}});
  leases.pop_back();
  EXPECT_FALSE(app.acquire());
  leases.pop_back();
  EXPECT_TRUE(app.acquire());
  app.upstream->update({{.address = "a", .max_conns = 1}});
  EXPECT_FALSE(app.acquire());
  app.upstream->update({{.address = "a"}});
  EXPECT_TRUE(app.acquire());
}

TEST(Upstream, ChangesItsMethodAndKeepsItsCounters) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  const std::optional<Lease> lease = app.acquire();
  app.upstream->set_method(*find_picker("least_conn"));
  EXPECT_EQ(app.picks(3), "bbb");
}

TEST(Upstream, KeepsCountersOfWhoBecomesABackup) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
  const std::optional<Lease> lease = app.acquire();
  app.upstream->update({{.address = "a", .backup = true}, {.address = "b"}});
  EXPECT_EQ(app.picks(2), "bb");
  EXPECT_EQ(app.backend("a")->active(), 1U);
  EXPECT_EQ(app.upstream->snapshot()->backups().size(), 1U);
}

TEST(Upstream, OffersNothingWhenEverythingWasTried) {
  TestUpstream app("least_conn", numbered(20));
  Tried tried;
  for (int i = 0; i < 20; ++i) {
    const std::optional<Lease> lease = app.acquire(&tried);
    ASSERT_TRUE(lease);
    EXPECT_FALSE(tried.contains(lease->backend()));
    tried.add(lease->backend());
  }
  EXPECT_EQ(tried.size(), 20U);
  EXPECT_FALSE(app.acquire(&tried));
}

/// A method of one's own that breaks its promise and names a backend that is closed.
class Stubborn final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends&) { return std::make_unique<Stubborn>(); }
  std::optional<std::size_t> pick(const Backends&, const PickRequest&) const override { return 0; }
};

TEST(Upstream, SurvivesAPickerThatDoesNotLook) {
  auto upstream = std::make_shared<Upstream>("app", PickerSpec{"stubborn", Stubborn::make, "Always the first."});
  upstream->update({{.address = "a", .down = true}, {.address = "b"}});
  UpstreamReader reader(upstream);
  EXPECT_EQ(reader.acquire({})->backend().address(), "b");
  upstream->update({{.address = "a", .down = true}});
  EXPECT_FALSE(reader.acquire({}));
}

TEST(Pickers, AreFoundByName) {
  ASSERT_NE(find_picker("least_conn"), nullptr);
  EXPECT_EQ(find_picker("least_conn")->name, "least_conn");
  EXPECT_EQ(pickers().front().name, "round_robin");
  EXPECT_EQ(find_picker("most_conn"), nullptr);
}

}  // namespace
}  // namespace weir::balancer::testing
