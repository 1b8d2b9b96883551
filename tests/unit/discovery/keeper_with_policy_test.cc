// The operator's word, obeyed while the registry does this and that.
#include "keeper_test.h"

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

TEST_F(MembershipKeeperTest, ObeysAPolicyAtOnceAndTheRegistryAgainWhenItIsGone) {
  start_with({"10.0.0.1:80", "10.0.0.2:80,z=eu-1b"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":7},{"match":"z=eu-1b","drain":true}]})");
  world.pass(kSoon);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 7u);
  EXPECT_TRUE(world.member("10.0.0.2:80").draining);
  world.registry.remove("/weir/app/policy");
  world.pass(kSoon);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 100u);
  EXPECT_FALSE(world.member("10.0.0.2:80").draining);
}

TEST_F(MembershipKeeperTest, KeepsTheLastGoodPolicyWhenABadOneIsWritten) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":7}]})");
  world.pass(kSoon);
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","wieght":9}]})");
  world.pass(kSoon);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 7u);
  EXPECT_NE(status().policy_error, "");
  EXPECT_EQ(status().counters["policy refused"], 1u);
}

TEST_F(MembershipKeeperTest, EndsADrainWhenItsTimeIsOverAlsoIfTheClockWasSetMeanwhile) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  const std::string until = format_time(world.wall_clock() + 2h);
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":")" + until + "\"}]}");
  world.pass(90min);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  world.wall_offset += 1h;
  world.pass(1h);
  EXPECT_FALSE(world.member("10.0.0.1:80").draining);
}

TEST_F(MembershipKeeperTest, EndsADrainWhenItsTimeIsOverAlsoWhileTheRegistryIsAway) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  const std::string until = format_time(world.wall_clock() + 10min);
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":")" + until + "\"}]}");
  world.pass(kSoon);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  world.registry.go_down();
  world.pass(11min);
  EXPECT_FALSE(world.member("10.0.0.1:80").draining);
}

TEST_F(MembershipKeeperTest, SaysOnceThatItHasBeenStaleForLong) {
  start_with({"10.0.0.1:80"});
  world.registry.go_down();
  world.pass(1h);
  EXPECT_EQ(world.lines_with("stale for 30s"), 1u);
  EXPECT_EQ(status().counters["long stale"], 1u);
  EXPECT_NE(describe(status(), world.executor->now()).find("state: stale for 3600"), std::string::npos)
      << describe(status(), world.executor->now());
}

TEST_F(MembershipKeeperTest, DoesNotFollowTheRegistryWhileFrozen) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.set_policy(R"({"v":1,"freeze":true})");
  world.pass(kSoon);
  world.leave("10.0.0.1:80");
  world.join("10.0.0.4:80");
  world.pass(1h);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}));
  EXPECT_TRUE(status().is_frozen);
  world.set_policy(R"({"v":1})");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"}));
}

TEST_F(MembershipKeeperTest, LetsHeldMembersGoWhenAnOperatorAcceptsIt) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.leave("10.0.0.1:80");
  world.leave("10.0.0.2:80");
  world.pass(1h);
  EXPECT_EQ(world.members().size(), 3u);
  world.set_policy(R"({"v":1,"accept":1})");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.3:80"}));
  EXPECT_EQ(status().counters["let go: accepted"], 2u);
}

// What was accepted once is no word on those who are held now.
TEST_F(MembershipKeeperTest, LetsNobodyGoForAPolicyThatDoesNotSpeakOfAccepting) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.set_policy(R"({"v":1,"accept":1700000000000})");
  world.pass(kSoon);
  world.registry.wipe();
  world.pass(1min);
  ASSERT_EQ(status().held, 3u);
  world.join("10.0.0.3:80");
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":7}]})");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}));
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 7u);
}

TEST_F(MembershipKeeperTest, LetsNobodyGoForAPolicyThatWasRestoredTogetherWithTheRegistry) {
  start_with({"10.0.0.1:80"});
  world.set_policy(R"({"v":1,"accept":1})");
  world.pass(kSoon);
  world.registry.save();
  for (const char* name : {"10.0.0.2:80", "10.0.0.3:80"}) world.join(name);
  world.set_policy(R"({"v":1,"accept":2})");
  world.pass(kSoon);
  world.registry.wipe();
  world.pass(1min);
  ASSERT_EQ(status().held, 3u);
  world.registry.restore();
  world.pass(1min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}));
  world.set_policy(R"({"v":1,"accept":3})");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
}

TEST_F(MembershipKeeperTest, DoesNotTakeAWipeForTheDeletionOfThePolicy) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true}]})");
  world.pass(kSoon);
  world.registry.go_down();
  world.registry.wipe();
  world.registry.come_back();
  world.pass(1h);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
}

TEST_F(MembershipKeeperTest, DoesNotTakeAWipeForTheDeletionOfThePolicyWhileFrozenEither) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.set_policy(R"({"v":1,"freeze":true,"rules":[{"match":"10.0.0.1:80","drain":true}]})");
  world.pass(kSoon);
  world.registry.wipe();
  world.pass(1h);
  EXPECT_TRUE(status().is_frozen);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  world.set_policy(R"({"v":1})");
  world.pass(kSoon);
  EXPECT_FALSE(status().is_frozen);
  EXPECT_FALSE(world.member("10.0.0.1:80").draining);
}

// --- layouts of others

}  // namespace
}  // namespace weir::discovery
