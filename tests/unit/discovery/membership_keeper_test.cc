#include "keeper_test.h"

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

TEST_F(MembershipKeeperTest, AnnouncesWhoIsThere) {
  start_with({"10.0.0.1:80,w=5", "10.0.0.2:80,t=1"});
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 5u);
  EXPECT_TRUE(world.member("10.0.0.2:80").backup);
  EXPECT_EQ(world.announced.size(), 1u);
  EXPECT_EQ(status().state, SourceState::Synced);
}

TEST_F(MembershipKeeperTest, AnnouncesEachChangeSoon) {
  start_with({"10.0.0.1:80"});
  world.join("10.0.0.2:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  world.leave("10.0.0.1:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80"}));
  // That all are gone within a moment is not believed of any.
  world.leave("10.0.0.2:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  EXPECT_EQ(status().held, 2u);
}

TEST_F(MembershipKeeperTest, BelievesWhateverTheRegistrySaysIfToldTo) {
  world.config.vanish.mode = Vanish::Trust;
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.leave("10.0.0.1:80");
  world.leave("10.0.0.2:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), Addresses{});
}

TEST_F(MembershipKeeperTest, AnnouncesNothingUntilSomethingWasRead) {
  world.registry.go_down();
  world.join("10.0.0.1:80");
  world.watch();
  world.pass(1h);
  EXPECT_TRUE(world.announced.empty());
  EXPECT_EQ(status().state, SourceState::Cold);
  world.registry.come_back();
  world.pass(5s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
}

TEST_F(MembershipKeeperTest, WaitsForMissingDirectoriesWithoutALoop) {
  start_with({});
  EXPECT_EQ(world.members(), Addresses{});
  const auto reads = world.registry.reads();
  world.pass(1h);
  EXPECT_LE(world.registry.reads() - reads, 3600u / 2 + 2);  // what is left are heartbeats
  world.join("10.0.0.1:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
  world.registry.create("/weir/app/static/10.0.0.9:80,t=1");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.9:80"}));
}

TEST_F(MembershipKeeperTest, KeepsTheMembershipWhileTheRegistryIsAway) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.registry.go_down();
  world.pass(24h);
  EXPECT_EQ(world.announced.size(), 1u);
  EXPECT_EQ(status().state, SourceState::Stale);
  world.registry.come_back();
  world.pass(10s);
  EXPECT_EQ(world.announced.size(), 1u);
  EXPECT_EQ(status().state, SourceState::Synced);
}

TEST_F(MembershipKeeperTest, SeesWhatChangedDuringABriefLoss) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.registry.go_down();
  world.pass(1s);
  world.leave("10.0.0.1:80");
  world.join("10.0.0.3:80");
  world.registry.come_back();
  world.pass(1s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.3:80"}));
}

TEST_F(MembershipKeeperTest, KeepsHealthyMembersOfAWipedRegistryUntilTheyRegisterAgain) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.registry.go_down();
  world.registry.wipe();
  world.registry.come_back();
  world.pass(1h);
  EXPECT_EQ(world.announced.size(), 1u);
  EXPECT_EQ(status().held, 3u);
  EXPECT_EQ(world.lines_with("are held"), 1u);
  world.join("10.0.0.2:80");
  world.pass(kSoon);
  EXPECT_EQ(world.announced.size(), 1u);
  EXPECT_EQ(status().held, 2u);
  world.join("10.0.0.3:80");
  world.join("10.0.0.4:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"}));
  EXPECT_EQ(status().held, 0u);
}

TEST_F(MembershipKeeperTest, LetsAHeldMemberGoWhenItFails) {
  std::string failing;
  for (const char* name : {"10.0.0.1:80", "10.0.0.2:80"}) world.join(name);
  world.watch([&](std::string_view address) { return address == failing ? Health::Failing : Health::Passing; });
  world.pass(1s);
  world.registry.wipe();
  world.pass(1h);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  failing = "10.0.0.1:80";
  world.pass(2s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80"}));
}

TEST_F(MembershipKeeperTest, KeepsMembersWhenAnOlderRegistryIsRestored) {
  start_with({"10.0.0.1:80"});
  world.registry.save();
  world.join("10.0.0.2:80");
  world.join("10.0.0.3:80");
  world.pass(kSoon);
  world.registry.restore();
  world.pass(1h);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}));
}

TEST_F(MembershipKeeperTest, KeepsMembersWhenTheParentIsDeletedAndMadeAgain) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.registry.remove_tree("/weir/app");
  world.pass(1s);
  world.join("10.0.0.2:80");
  world.pass(1s);
  // The deletion of single members may have been seen before that of their directory; of a directory, it is not believed.
  EXPECT_FALSE(world.members().empty());
}

TEST_F(MembershipKeeperTest, GivesMembersTimeToComeBackAfterALongOutage) {
  const auto session = world.registry.open_foreign_session();
  for (const char* name : {"10.0.0.1:80", "10.0.0.2:80"}) world.join(name, session);
  world.watch();
  world.pass(1s);
  world.registry.go_down();
  world.pass(1h);
  world.registry.come_back();
  world.pass(2s);
  world.registry.expire(session);  // the members' sessions have ended, and their agents are not back yet
  world.pass(3s);
  EXPECT_EQ(world.announced.size(), 1u);
  world.join("10.0.0.2:80");
  world.pass(30s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80"}));  // the other one never came
}

TEST_F(MembershipKeeperTest, LetsNoTimePassForHeldMembersWhileTheRegistryIsAway) {
  const auto session = world.registry.open_foreign_session();
  world.join("10.0.0.1:80", session);
  world.join("10.0.0.2:80");
  world.watch();
  world.pass(1s);
  world.registry.go_down();
  world.pass(1min);
  world.registry.come_back();
  world.pass(3s);
  world.registry.expire(session);
  world.pass(1s);
  EXPECT_EQ(status().held, 1u);
  world.registry.go_down();
  world.pass(24h);
  EXPECT_EQ(world.announced.size(), 1u);
  world.registry.come_back();
  world.pass(1min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80"}));
}

TEST_F(MembershipKeeperTest, LetsThoseGoAtOnceWhoAnnouncedIt) {
  start_with({"10.0.0.1:80,s=drain", "10.0.0.2:80"});
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  world.registry.wipe();
  world.pass(1min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80"}));
}

TEST_F(MembershipKeeperTest, SkipsMalformedNamesCountsThemAndLogsThemOnce) {
  start_with({"10.0.0.1:80", "not-a-member", "10.0.0.1:0", "10.0.0.3:80,w=much"});
  world.registry.smuggle("/weir/app/members", "10.0.0.2:80\nforged");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.3:80"}));
  EXPECT_EQ(world.member("10.0.0.3:80").weight, kDefaultMemberWeight);
  const std::map<std::string, std::uint64_t> expected{
      {"bad address", 1}, {"bad port", 1}, {"bad weight", 1}, {"bad character", 1}};
  EXPECT_EQ(status().rejected, expected);
  world.join("10.0.0.4:80");
  world.pass(kSoon);
  EXPECT_EQ(world.lines_with("not-a-member"), 1u);
  EXPECT_EQ(world.lines_with("forged"), 1u);
  EXPECT_EQ(world.lines_with("\n"), 0u);
  world.leave("not-a-member");
  world.pass(kSoon);
  EXPECT_EQ(status().rejected.size(), 3u);
}

TEST_F(MembershipKeeperTest, GivesOneMemberToAnAddressNamedTwice) {
  start_with({"10.0.0.1:80,w=5"});
  world.join("10.0.0.1:80,w=7");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 7u);
  world.leave("10.0.0.1:80,w=7");
  world.pass(kSoon);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 5u);
}

TEST_F(MembershipKeeperTest, KeepsTheLastMembershipWhenThereAreTooManyNames) {
  world.config.max_members = 3;
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.join("10.0.0.3:80");
  world.join("10.0.0.4:80");
  world.pass(10s);
  EXPECT_LE(world.members().size(), 3u);
  EXPECT_EQ(world.lines_with("4 children, more than 3"), 1u);
  world.leave("10.0.0.1:80");
  world.pass(1min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"}));
}

TEST_F(MembershipKeeperTest, KeepsTheLastMembershipWhenItMayNotRead) {
  start_with({"10.0.0.1:80"});
  world.registry.refuse_reading("/weir/app/members");
  world.join("10.0.0.2:80");
  world.pass(10min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
  EXPECT_EQ(world.lines_with("not permitted"), 1u);
  EXPECT_EQ(status().state, SourceState::Stale) << "what the registry says is not known";
  EXPECT_EQ(world.lines_with("stale for 30s"), 1u);
  world.registry.allow_reading("/weir/app/members");
  world.pass(1min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  EXPECT_EQ(status().state, SourceState::Synced);
}

// As a reload does that changes how the same upstream is read.
TEST_F(MembershipKeeperTest, GoesOnForAnotherAlsoWithThoseThatAreHeld) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.3:80","weight":7}]})");
  world.leave("10.0.0.1:80");
  world.leave("10.0.0.2:80");
  world.pass(1s);
  ASSERT_EQ(status().held, 2u);
  world.keeper->end();
  world.config.vanish.min_share = 0.5;
  world.watch({}, world.keeper->known());
  world.pass(1h);
  EXPECT_EQ(world.members().size(), 3u);
  EXPECT_EQ(status().held, 2u);
  EXPECT_EQ(world.member("10.0.0.3:80").weight, 7u);
  EXPECT_EQ(status().state, SourceState::Synced);
}

TEST_F(MembershipKeeperTest, GoesOnForAnotherAcrossAnOutage) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.registry.go_down();
  world.pass(1min);
  world.keeper->end();
  world.watch({}, world.keeper->known());
  EXPECT_EQ(world.members().size(), 3u);
  for (const char* name : {"10.0.0.1:80", "10.0.0.2:80"}) world.leave(name);  // their sessions ended, too
  world.registry.come_back();
  world.pass(2s);
  world.join("10.0.0.1:80");
  world.pass(2s);
  world.join("10.0.0.2:80");
  world.pass(1min);
  for (const auto& members : world.announced) EXPECT_EQ(members.size(), 3u);
  EXPECT_EQ(status().held, 0u);
}

TEST_F(MembershipKeeperTest, ReadsFarLessOftenThanThingsChange) {
  start_with({});
  const auto reads = world.registry.reads();
  for (int i = 0; i < 1000; ++i) {
    world.join("10.0.0.1:" + std::to_string(1000 + i));
    world.pass(1ms);
  }
  world.pass(kSoon);
  EXPECT_EQ(world.members().size(), 1000u);
  EXPECT_LE(world.registry.reads() - reads, 70u);
}

TEST_F(MembershipKeeperTest, SetsAsManyWatchesForManyMembersAsForOne) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  for (int i = 0; i < 5; ++i) {
    world.registry.cut_connections();
    world.pass(20s);
    world.join("10.0.0.9:" + std::to_string(1 + i));
    world.pass(1s);
  }
  EXPECT_EQ(world.registry.watches(), 4u);  // both directories, what is above them, and the policy
}

TEST_F(MembershipKeeperTest, MayBeEndedByItsSink) {
  world.join("10.0.0.1:80");
  int calls = 0;
  std::unique_ptr<MembershipKeeper> keeper;
  const auto sink = [&](balancer::Members) {
    ++calls;
    keeper->end();
  };
  keeper = std::make_unique<MembershipKeeper>(*world.executor, *world.ensemble, world.config,
                                              MembershipKeeper::Parts{.sink = sink, .status = world.status});
  keeper->begin();
  world.pass(1s);
  world.join("10.0.0.2:80");
  world.pass(1s);
  EXPECT_EQ(calls, 1);
}

TEST_F(MembershipKeeperTest, SharesASessionWithOthers) {
  start_with({"10.0.0.1:80"});
  FakeWorld* const shared = &world;
  balancer::Members other;
  ZooKeeperConfig config = world.config;
  config.path = "/weir/other";
  MembershipKeeper keeper(*shared->executor, *shared->ensemble, config,
                          {.sink = [&](balancer::Members members) { other = std::move(members); },
                           .status = std::make_shared<SharedStatus>()});
  keeper.begin();
  world.registry.create("/weir/other/members/10.0.0.7:80");
  world.pass(1s);
  EXPECT_EQ(other.size(), 1u);
  EXPECT_EQ(world.ensemble->sessions(), 1u);
  keeper.end();
}

// --- the operator's word

TEST_F(MembershipKeeperTest, ReadsMembersInTheLayoutsOfOthersBesideOurs) {
  world.registry.create("/weir/app/members/10.0.0.1:80");
  world.registry.create("/weir/app/web_0000000001", 0, R"({"host":"10.0.0.2","port":80,"name":"web","weight":3})");
  world.registry.create("/weir/app/member_0000000007", 0,
                        R"({"serviceEndpoint":{"host":"10.0.0.3","port":80},"additionalEndpoints":{},"status":"ALIVE"})");
  world.watch();
  world.pass(1s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}));
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 300u);
  world.registry.create("/weir/app/web_0000000002", 0, R"({"host":"10.0.0.4","port":80,"name":"web"})");
  const auto reads = world.registry.reads();
  world.pass(kSoon);
  EXPECT_EQ(world.members().size(), 4u);
  EXPECT_LE(world.registry.reads() - reads, 2u) << "what is known is not asked again";
}

TEST_F(MembershipKeeperTest, FollowsTheWeightsOfAServerSet) {
  constexpr const char* kMember = R"({"serviceEndpoint":{"host":"10.0.0.3","port":80},"status":"ALIVE","shard":3})";
  world.registry.create("/weir/app/member_0000000007", 0, kMember);
  world.registry.create("/weir/app/vector_0000000001", 0, R"({"vector":[{"select":"shard=3","weight":0.5}]})");
  world.watch();
  world.pass(1s);
  EXPECT_EQ(world.member("10.0.0.3:80").weight, 50u);
  world.registry.write("/weir/app/vector_0000000001", R"({"vector":[{"select":"shard=3","weight":0.25}]})");
  world.pass(1min);
  EXPECT_EQ(world.member("10.0.0.3:80").weight, 25u);
  world.registry.write("/weir/app/vector_0000000001", "nonsense");
  world.pass(1min);
  EXPECT_EQ(world.member("10.0.0.3:80").weight, 25u) << "what it said last stands";
}

TEST_F(MembershipKeeperTest, NoticesChangedDataAndKeepsTheLastThatItUnderstood) {
  world.registry.create("/weir/app/web_1", 0, R"({"host":"10.0.0.2","port":80,"name":"web","weight":3})");
  world.registry.create("/weir/app/web_2", 0, R"({"host":"10.0.0.3","port":80,"name":"web"})");
  world.watch();
  world.pass(1s);
  world.registry.write("/weir/app/web_1", R"({"host":"10.0.0.2","port":80,"name":"web","weight":5})");
  world.pass(1min);
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 500u);
  world.registry.write("/weir/app/web_1", R"({"host":"10.0.0.2","port":)");
  world.pass(1min);
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 500u);
  EXPECT_EQ(status().rejected["not JSON"], 1u);
  world.registry.write("/weir/app/web_1", R"({"host":"10.0.0.2","port":80,"name":"web","weight":1})");
  world.pass(1min);
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 100u);
  EXPECT_TRUE(status().rejected.empty());
}

TEST_F(MembershipKeeperTest, RefusesMembersFromWhereNoneMayBe) {
  world.config.allow = {"10.1.0.0/16"};
  start_with({"10.1.0.1:80", "10.2.0.1:80"});
  EXPECT_EQ(world.members(), (Addresses{"10.1.0.1:80"}));
  EXPECT_EQ(status().rejected[kNotAllowed], 1u);
}

}  // namespace
}  // namespace weir::discovery
