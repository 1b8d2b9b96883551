#include "agent/registration.h"

#include "fake_world.h"

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

class RegistrationTest : public testing::Test {
 protected:
  RegistrationTest() { world.watch(); }

  static Registration::Settings settings(const std::string& address = "10.0.0.1:80") {
    NativeName name;
    name.address = address;
    name.weight = 20;
    return {.path = "/weir/app", .name = name};
  }
  std::unique_ptr<Registration> make(Registration::Settings chosen = settings()) {
    const auto log = [this](Severity, std::string_view text) { world.lines.emplace_back(text); };
    return std::make_unique<Registration>(*world.executor, *world.ensemble, std::move(chosen), log);
  }
  std::unique_ptr<Registration> registered() {
    auto registration = make();
    registration->want(true);
    world.pass(1s);
    return registration;
  }
  std::vector<std::string> nodes() const { return world.registry.children("/weir/app/members"); }

  static constexpr const char* kNode = "/weir/app/members/10.0.0.1:80,w=20";
  FakeWorld world;
};

TEST_F(RegistrationTest, RegistersAsAnEphemeralMemberUnderParentsItMakes) {
  const auto registration = registered();
  ASSERT_TRUE(world.registry.exists(kNode));
  EXPECT_EQ(world.registry.owner_of(kNode), world.ensemble->session()->client_id());
  EXPECT_EQ(world.registry.owner_of("/weir/app/members"), 0);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 20u);
}

TEST_F(RegistrationTest, RegistersNothingUntilItIsWanted) {
  const auto registration = make();
  world.pass(1min);
  EXPECT_EQ(nodes().size(), 0u);
  registration->want(true);
  world.pass(1s);
  EXPECT_EQ(nodes().size(), 1u);
  registration->want(false);
  world.pass(1s);
  EXPECT_EQ(nodes().size(), 0u);
}

TEST_F(RegistrationTest, DrainsThenLeaves) {
  const auto registration = registered();
  bool is_drained = false, has_left = false;
  registration->drain([&] { is_drained = true; });
  world.pass(1s);
  EXPECT_TRUE(is_drained);
  EXPECT_EQ(nodes(), Addresses{"10.0.0.1:80,w=20,s=drain"});
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  registration->leave([&] { has_left = true; });
  world.pass(1s);
  EXPECT_TRUE(has_left);
  EXPECT_EQ(nodes().size(), 0u);
  EXPECT_EQ(world.members(), Addresses{});
}

TEST_F(RegistrationTest, DrainsEvenIfToldToBeforeItKnowsThatItIsRegistered) {
  world.pass(1s);
  const auto registration = make();
  registration->want(true);
  for (int i = 0; i < 1000 && nodes().empty(); ++i) world.pass(10us);
  ASSERT_EQ(nodes().size(), 1u);
  ASSERT_FALSE(registration->registered());  // the answer is under way
  bool is_drained = false;
  registration->drain([&] { is_drained = true; });
  EXPECT_FALSE(is_drained);
  world.pass(1s);
  EXPECT_TRUE(is_drained);
  EXPECT_EQ(nodes(), Addresses{"10.0.0.1:80,w=20,s=drain"});
}

TEST_F(RegistrationTest, DoesNotWaitForARegistryThatIsAwayWhenLeaving) {
  const auto registration = registered();
  world.registry.go_down();
  world.pass(1s);
  int done = 0;
  registration->drain([&] { ++done; });
  registration->leave([&] { ++done; });
  EXPECT_EQ(done, 2);
}

TEST_F(RegistrationTest, ComesBackAfterItsSessionExpired) {
  const auto registration = registered();
  world.registry.expire(world.ensemble->session()->client_id());
  EXPECT_EQ(nodes().size(), 0u);
  world.pass(2s);
  EXPECT_EQ(world.registry.owner_of(kNode), world.ensemble->session()->client_id());
}

TEST_F(RegistrationTest, ComesBackIntoAWipedRegistry) {
  const auto registration = registered();
  world.registry.wipe();
  world.pass(FakeWorld::kTimeout * 4 / 3 + 5s);
  EXPECT_TRUE(world.registry.exists(kNode));
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
}

TEST_F(RegistrationTest, ReplacesTheNodeOfItsFormerSelfWithoutAGap) {
  const auto crashed = world.registry.open_foreign_session();
  world.registry.create(kNode, crashed);
  world.pass(1s);
  const auto registration = registered();
  EXPECT_EQ(world.registry.owner_of(kNode), world.ensemble->session()->client_id());
  world.registry.expire(crashed);
  world.pass(1s);
  EXPECT_TRUE(world.registry.exists(kNode));
  EXPECT_EQ(world.announced.size(), 1u);  // never gone in between
}

TEST_F(RegistrationTest, RegistersAgainWhenSomebodyRemovesItsNode) {
  const auto registration = registered();
  world.registry.remove(kNode);
  world.pass(3s);
  EXPECT_TRUE(world.registry.exists(kNode));
}

TEST_F(RegistrationTest, DoesNotFightWithAnotherAgentOfTheSameAddress) {
  const auto registration = registered();
  world.registry.remove(kNode);
  const auto other = world.registry.open_foreign_session();
  world.registry.create(kNode, other);
  world.pass(1min);
  EXPECT_EQ(world.registry.owner_of(kNode), other);
  EXPECT_GE(world.lines_with("somebody else"), 1u);
  world.registry.expire(other);
  world.pass(1min);
  EXPECT_EQ(world.registry.owner_of(kNode), world.ensemble->session()->client_id());
}

TEST_F(RegistrationTest, FollowsAWishForAnotherWeightInOneStep) {
  const auto registration = registered();
  const std::size_t before = world.announced.size();
  world.registry.write(kNode, "w=50");
  world.pass(100ms);
  EXPECT_EQ(world.announced.size(), before + 1);  // from one weight to the other, never without
  EXPECT_EQ(nodes(), Addresses{"10.0.0.1:80,w=50"});
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 50u);
  world.registry.expire(world.ensemble->session()->client_id());
  world.pass(2s);
  EXPECT_EQ(nodes(), Addresses{"10.0.0.1:80,w=50"});  // the wish outlives the session
}

TEST_F(RegistrationTest, IgnoresWishesItDoesNotUnderstand) {
  const auto registration = registered();
  for (const char* wish : {"w=", "w=65536", "w=-1", "x", "w=1 ", "\xff"}) {
    world.registry.write(kNode, wish);
    world.pass(100ms);
    EXPECT_EQ(nodes(), Addresses{"10.0.0.1:80,w=20"}) << wish;
  }
}

TEST_F(RegistrationTest, IsNotConfusedByAConnectionLostInTheMiddle) {
  for (int microseconds = 0; microseconds < 6000; microseconds += 50) {
    FakeWorld fresh(static_cast<std::uint32_t>(microseconds) + 1);
    fresh.pass(1s);
    Registration registration(*fresh.executor, *fresh.ensemble, settings(), {});
    registration.want(true);
    fresh.pass(std::chrono::microseconds(microseconds));
    fresh.registry.cut_connections();
    fresh.pass(std::chrono::microseconds(microseconds) + 20ms);
    if (microseconds % 100 == 0) registration.drain([] {});
    fresh.pass(2s);
    const auto names = fresh.registry.children("/weir/app/members");
    ASSERT_LE(names.size(), 1u) << microseconds;
    if (microseconds % 100 == 0) continue;
    ASSERT_EQ(names, Addresses{"10.0.0.1:80,w=20"}) << microseconds;
  }
}

// The node may be there although nobody told us, and nothing further may be wanted of it than that it goes.
TEST_F(RegistrationTest, LeavesNothingBehindWhenItIsNoLongerWantedAsAConnectionIsLost) {
  for (int microseconds = 0; microseconds < 6000; microseconds += 50) {
    FakeWorld fresh(static_cast<std::uint32_t>(microseconds) + 1);
    fresh.pass(1s);
    fresh.registry.create("/weir/app/members");
    Registration registration(*fresh.executor, *fresh.ensemble, settings(), {});
    const bool was_registered = microseconds % 100 == 0;
    registration.want(true);
    if (was_registered) {
      fresh.pass(1s);
      registration.want(false);  // a rename is under way
    }
    fresh.pass(std::chrono::microseconds(microseconds));
    fresh.registry.cut_connections();
    registration.want(false);
    fresh.pass(5s);
    ASSERT_EQ(fresh.registry.children("/weir/app/members"), Addresses{}) << microseconds;
    ASSERT_FALSE(registration.registered());
    registration.want(true);
    fresh.pass(5s);
    ASSERT_EQ(fresh.registry.children("/weir/app/members"), Addresses{"10.0.0.1:80,w=20"}) << microseconds;
  }
}

}  // namespace
}  // namespace weir::discovery
