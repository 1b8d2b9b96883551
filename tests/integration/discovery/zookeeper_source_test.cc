// One upstream in one real server.

#include <gtest/gtest.h>

#include "real_world.h"

namespace weir::discovery {
namespace {

double milliseconds_between(TimePoint begin, TimePoint end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

class ZooKeeperSourceTest : public testing::Test {
 protected:
  std::vector<std::string> servers() const { return {server.address()}; }

  test::ZooKeeperServer server;
};

TEST_F(ZooKeeperSourceTest, FollowsMembersThatComeChangeAndGo) {
  Administrator admin(servers());
  Watched app(servers());
  app.start();
  ASSERT_TRUE(app.sees({})) << app.log();  // nothing is there yet, and that was really read
  ASSERT_EQ(admin.join("127.0.0.1:81,w=5"), Code::Ok);
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
  EXPECT_EQ(app.last("127.0.0.1:81").weight, 5u);
  const std::size_t before = app.history().size();
  ASSERT_EQ(admin.multi({Operation::remove("/weir/app/members/127.0.0.1:81,w=5"),
                         Operation::create_ephemeral("/weir/app/members/127.0.0.1:81,w=9,s=drain")}),
            Code::Ok);
  ASSERT_TRUE(wait_until([&] { return app.last("127.0.0.1:81").weight == 9; }));
  EXPECT_TRUE(app.last("127.0.0.1:81").draining);
  EXPECT_TRUE(app.always_named("127.0.0.1:81", before));
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:99,t=1"), Code::Ok);
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:99"}));
  EXPECT_TRUE(app.last("127.0.0.1:99").backup);
  ASSERT_EQ(admin.leave("127.0.0.1:81,w=9,s=drain"), Code::Ok);
  ASSERT_TRUE(app.sees({"127.0.0.1:99"}));
}

TEST_F(ZooKeeperSourceTest, AnnouncesAChangeWellWithin100Milliseconds) {
  Administrator admin(servers());
  Watched app(servers());
  app.start();
  ASSERT_TRUE(app.when_there_were(0));
  std::vector<double> took;
  for (std::size_t i = 1; i <= 50; ++i) {
    const auto begin = Clock::now();
    ASSERT_EQ(admin.join("127.0.0.1:" + std::to_string(1000 + i)), Code::Ok);
    const auto announced = app.when_there_were(i);
    ASSERT_TRUE(announced);
    took.push_back(milliseconds_between(begin, *announced));
  }
  std::sort(took.begin(), took.end());
  std::printf("asked for -> announced: median %.1f ms, worst %.1f ms\n", took[25], took.back());
  EXPECT_LT(took[25], 100.0);
}

TEST_F(ZooKeeperSourceTest, SharesOneSessionAmongAllSourcesOfAnEnsemble) {
  Watched one(servers(), "/weir/one"), two(servers(), "/weir/two"), three(servers(), "/weir/three");
  for (Watched* each : {&one, &two, &three}) each->start();
  for (Watched* each : {&one, &two, &three}) ASSERT_TRUE(each->sees({})) << each->log();
  EXPECT_EQ(sessions_at(server), 1u);
  one.source.stop();
  two.source.stop();
  three.source.stop();
  EXPECT_TRUE(wait_until([&] { return sessions_at(server) == 0; }));
}

TEST_F(ZooKeeperSourceTest, KeepsTheMembershipWhileTheServerIsAwayAndFollowsAgainAfterwards) {
  Administrator admin(servers());
  Watched app(servers());
  ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:82"), Code::Ok);
  app.start();
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"}));
  server.stop();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Stale; }));
  server.start();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Synced; })) << app.log();
  EXPECT_EQ(app.history().size(), 1u);
  ASSERT_EQ(admin.join("127.0.0.1:83"), Code::Ok);
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82", "127.0.0.1:83"})) << app.log();
}

TEST_F(ZooKeeperSourceTest, LosesNoMemberWhenTheServerComesBackEmpty) {
  Watched app(servers());
  {
    Administrator admin(servers());
    for (int i = 0; i < 20; ++i) ASSERT_EQ(admin.create("/weir/noise" + std::to_string(i)), Code::Ok);
    ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
    ASSERT_EQ(admin.join("127.0.0.1:82"), Code::Ok);
    app.start();
    ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"}));
    server.kill();
  }
  server.wipe();
  server.start();
  // The client itself would never get over this: see the README on the C client.
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Synced; })) << app.log();
  EXPECT_EQ(app.source.status().held, 2u);
  EXPECT_EQ(app.history().size(), 1u);
  Administrator admin(servers());
  ASSERT_EQ(admin.join("127.0.0.1:82"), Code::Ok);
  ASSERT_EQ(admin.join("127.0.0.1:83"), Code::Ok);
  // Those who have not come back when the time for that is over are replaced by as many others.
  ASSERT_TRUE(app.sees({"127.0.0.1:82", "127.0.0.1:83"}, 60s)) << app.log();
}

TEST_F(ZooKeeperSourceTest, LosesNoMemberWhenAnOlderCopyOfTheDataIsRestored) {
  Administrator admin(servers());
  Watched app(servers());
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:81"), Code::Ok);
  server.stop();
  server.save_data();
  server.start();
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:82"), Code::Ok);
  app.start();
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"}));
  server.stop();
  server.restore_data();
  server.start();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Synced; })) << app.log();
  EXPECT_EQ(app.history().size(), 1u);
  EXPECT_EQ(app.source.status().held, 1u);
}

TEST_F(ZooKeeperSourceTest, ReplacesItsSessionWhenTheServerForgotIt) {
  Administrator admin(servers());
  Watched app(servers(), "/weir/app", 500ms);
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:81"), Code::Ok);
  app.start();
  ASSERT_TRUE(app.sees({"127.0.0.1:81"}));
  // Frozen past the timeout, then awake: it expires what it did not hear from.
  server.freeze();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Stale; }));
  server.thaw();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Synced; })) << app.log();
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:82"), Code::Ok);
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"})) << app.log();
}

TEST_F(ZooKeeperSourceTest, StartsBeforeTheServerDoes) {
  server.stop();
  Watched app(servers());
  app.start();
  EXPECT_FALSE(app.sees({}, 300ms));
  EXPECT_EQ(app.source.status().state, SourceState::Cold);
  server.start();
  EXPECT_TRUE(app.sees({})) << app.log();
}

TEST_F(ZooKeeperSourceTest, TakesServersByNameAndByIPv6Literal) {
  Administrator admin(servers());
  ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
  const std::string port = server.address().substr(server.address().find(':'));
  Watched by_name({"localhost" + port, "does-not-exist.invalid" + port});
  by_name.start();
  EXPECT_TRUE(by_name.sees({"127.0.0.1:81"})) << by_name.log();
  Watched by_literal({"[::1]" + port, "127.0.0.1" + port});  // nothing listens at the first
  by_literal.start();
  EXPECT_TRUE(by_literal.sees({"127.0.0.1:81"})) << by_literal.log();
}

TEST_F(ZooKeeperSourceTest, SkipsNamesThatAreNoMembers) {
  Administrator admin(servers());
  Watched app(servers());
  for (const char* name : {"127.0.0.1:81", "127.0.0.1", "x y", "caf\xc3\xa9:80", "127.0.0.1:82,w=lots"})
    ASSERT_EQ(admin.join(name), Code::Ok) << name;
  ASSERT_EQ(admin.join(std::string(300, 'a')), Code::Ok);
  app.start();
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"})) << app.log();
  const std::map<std::string, std::uint64_t> expected{
      {"bad address", 1}, {"bad character", 2}, {"bad weight", 1}, {"too long", 1}};
  EXPECT_EQ(app.source.status().rejected, expected);
}

TEST_F(ZooKeeperSourceTest, ReadsTenThousandMembers) {
  Administrator admin(servers());
  ASSERT_EQ(admin.create("/weir/app/members"), Code::Ok);
  for (int chunk = 0; chunk < 100; ++chunk) {
    std::vector<Operation> operations;
    for (int i = 0; i < 100; ++i)
      operations.push_back(Operation::create("/weir/app/members/10.0." + std::to_string(chunk) + "." +
                                             std::to_string(i + 1) + ":80,w=5"));
    ASSERT_EQ(admin.multi(std::move(operations)), Code::Ok);
  }
  Watched app(servers());
  const auto started = Clock::now();
  app.start();
  const auto first = app.when_there_were(10'000);
  ASSERT_TRUE(first);
  const auto asked = Clock::now();
  ASSERT_EQ(admin.leave("10.0.0.1:80,w=5"), Code::Ok);
  const auto changed = app.when_there_were(9'999);
  ASSERT_TRUE(changed);
  std::printf("10000 members: read and announced in %.1f ms, one change in %.1f ms\n",
              milliseconds_between(started, *first), milliseconds_between(asked, *changed));
}

TEST_F(ZooKeeperSourceTest, MayBeStoppedAndStartedAtAnyMoment) {
  Administrator admin(servers());
  ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
  for (int i = 0; i < 20; ++i) {
    Watched app(servers());
    app.start();
    if (i % 2 == 0) {
      ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
    }
    app.source.stop();
    app.source.stop();
  }
}

TEST(ZooKeeperSourceAlone, RefusesWhatCannotBe) {
  EXPECT_THROW(ZooKeeperSource({.servers = {}, .path = "/a"}, {}), std::invalid_argument);
  EXPECT_THROW(ZooKeeperSource({.servers = {"a:b"}, .path = "/a"}, {}), std::invalid_argument);
  EXPECT_THROW(ZooKeeperSource({.servers = {"a"}, .path = "a"}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace weir::discovery
