// The cache of a membership: what a start finds there, and what it does not believe.
#include "keeper_test.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

class MembershipKeeperWithCache : public MembershipKeeperTest {
 protected:
  MembershipKeeperWithCache() {
    char folder[] = "/tmp/weir-cache-XXXXXX";
    folder_ = mkdtemp(folder);
    world.config.cache_file = folder_ + "/of/app";
  }
  ~MembershipKeeperWithCache() override {
    if (world.keeper) world.keeper->end();
    world.executor->clear();
    std::filesystem::remove_all(folder_);
  }
  void restart() {
    world.keeper->end();
    world.pass(1ms);  // what is still to be written is
    world.announced.clear();
    world.status = std::make_shared<SharedStatus>();
    world.ensemble = world.make_ensemble();
    world.watch();
  }
  std::string folder_;
};

TEST_F(MembershipKeeperWithCache, ServesFromItWhileTheRegistryIsAway) {
  start_with({"10.0.0.1:80,w=5", "10.0.0.2:80,t=1,z=eu"});
  world.set_policy(R"({"v":1,"rules":[{"match":"z=eu","weight":9}]})");
  world.pass(3s);
  world.registry.go_down();
  restart();
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"})) << "before anything was waited for";
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 5u);
  EXPECT_TRUE(world.member("10.0.0.2:80").backup);
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 9u);
  EXPECT_EQ(status().state, SourceState::Cached);
  world.pass(24h);
  EXPECT_EQ(world.announced.size(), 1u);
  world.registry.come_back();
  world.join("10.0.0.3:80");
  world.pass(10s);
  EXPECT_EQ(world.members().size(), 3u);
  EXPECT_EQ(status().state, SourceState::Synced);
}

TEST_F(MembershipKeeperWithCache, BelievesNoMassLossThatHappenedWhileItWasDown) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  world.pass(2s);
  for (const char* name : {"10.0.0.1:80", "10.0.0.2:80"}) world.leave(name);
  restart();
  world.pass(1h);
  EXPECT_EQ(world.members().size(), 3u);
  EXPECT_EQ(status().held, 2u);
  world.join("10.0.0.4:80");
  world.pass(2s);
  world.registry.go_down();
  restart();
  EXPECT_EQ(status().members, 4u);
  EXPECT_EQ(status().held, 2u) << "of those from the cache";
}

TEST_F(MembershipKeeperWithCache, KeepsAPolicyThatWasLostTogetherWithTheRegistry) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true}]})");
  world.pass(2s);
  world.registry.wipe();
  world.pass(1min);
  for (const char* name : {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) world.join(name);
  world.pass(1min);
  restart();
  world.pass(1min);
  ASSERT_EQ(status().state, SourceState::Synced);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  world.set_policy(R"({"v":1})");
  world.pass(2s);
  EXPECT_FALSE(world.member("10.0.0.1:80").draining);
}

TEST_F(MembershipKeeperWithCache, HoldsNobodyOfALayoutThatIsNotReadAnyMore) {
  world.registry.create("/weir/app/10.0.0.9:80");
  start_with({"10.0.0.1:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":7}]})");
  world.pass(3s);
  ASSERT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.9:80"}));
  world.config.format = Format::Native;
  restart();
  world.pass(1s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"}));
  world.registry.remove("/weir/app/policy");
  world.pass(1s);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 100u) << "nothing is odd about that registry";
}

// As a reload does that changes how the same upstream is read.
TEST_F(MembershipKeeperWithCache, IsWrittenByOneWhoGoesOnForAnotherWithoutACache) {
  const std::string file = std::exchange(world.config.cache_file, {});
  start_with({"10.0.0.1:80"});
  world.keeper->end();
  const auto known = world.keeper->known();
  world.config.cache_file = file;
  world.watch({}, known);
  world.pass(2s);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(MembershipKeeperWithCache, DoesNotMakeOfAShortHoldingOneWithoutEnd) {
  start_with({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  for (int i = 0; i < 3; ++i) {
    world.leave("10.0.0.1:80");
    world.pass(1s);
    if (i < 2) world.join("10.0.0.1:80");
    world.pass(1s);
  }
  ASSERT_EQ(status().held, 1u) << "as it comes and goes";
  world.join("10.0.0.2:80,w=5");  // something else changes, and so all is written
  world.pass(2s);
  restart();
  world.pass(5s);
  EXPECT_EQ(world.members().size(), 3u);
  EXPECT_EQ(status().held, 1u);
  world.pass(5min);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.3:80"}));
}

TEST_F(MembershipKeeperWithCache, IsNotFooledByADamagedFile) {
  start_with({"10.0.0.1:80", "10.0.0.2:80"});
  world.pass(2s);
  world.keeper->end();
  world.pass(1ms);
  {
    std::fstream file(world.config.cache_file, std::ios::in | std::ios::out);
    file.seekp(-20, std::ios::end);
    file << "9";
  }
  world.registry.go_down();
  restart();
  world.pass(1min);
  EXPECT_TRUE(world.announced.empty());
  EXPECT_EQ(world.lines_with("is damaged"), 1u);
}

TEST_F(MembershipKeeperWithCache, DoesNotUseWhatIsOfAnotherPath) {
  start_with({"10.0.0.1:80"});
  world.pass(2s);
  world.config.path = "/weir/other";
  world.registry.go_down();
  restart();
  world.pass(1min);
  EXPECT_TRUE(world.announced.empty());
}

TEST_F(MembershipKeeperWithCache, IsForItsOwnerOnlyAndOneThatOthersMayWriteIsRefused) {
  start_with({"10.0.0.1:80"});
  world.pass(2s);
  EXPECT_EQ(std::filesystem::status(world.config.cache_file).permissions(), std::filesystem::perms(0600));
  std::filesystem::permissions(world.config.cache_file, std::filesystem::perms(0620));
  world.registry.go_down();
  restart();
  world.pass(1min);
  EXPECT_TRUE(world.announced.empty());
  EXPECT_EQ(world.lines_with("may be written by others"), 1u);
}

TEST_F(MembershipKeeperWithCache, IsWrittenNoMoreOftenThanOnceASecond) {
  start_with({});
  for (int i = 0; i < 100; ++i) {
    world.join("10.0.0.1:" + std::to_string(1000 + i));
    world.pass(50ms);
  }
  world.pass(2s);
  EXPECT_LE(status().counters["cache written"], 9u);
  world.registry.go_down();
  restart();
  EXPECT_EQ(world.members().size(), 100u);
}

}  // namespace
}  // namespace weir::discovery
