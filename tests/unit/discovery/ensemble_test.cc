#include "fake_world.h"

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

// Notes what a user of the session is told.
class Recorder final : public SessionUser {
 public:
  void on_connected(Session& session, const Connection& connection) override {
    connections.push_back(connection);
    ids.push_back(session.client_id());
  }
  void on_disconnected() override { ++disconnections; }

  std::vector<Connection> connections;
  std::vector<std::int64_t> ids;
  int disconnections = 0;
};

class EnsembleTest : public testing::Test {
 protected:
  EnsembleTest() { world.ensemble->add(recorder); }
  ~EnsembleTest() override { world.ensemble->remove(recorder); }

  FakeWorld world;
  Recorder recorder;
};

TEST_F(EnsembleTest, TellsItsUsersOfTheConnection) {
  world.pass(1s);
  ASSERT_EQ(recorder.connections.size(), 1u);
  EXPECT_TRUE(recorder.connections[0].new_session);
  EXPECT_TRUE(recorder.connections[0].first);
  EXPECT_NE(world.ensemble->session(), nullptr);
}

TEST_F(EnsembleTest, TellsALateUserAtOnce) {
  world.pass(1s);
  Recorder late;
  world.ensemble->add(late);
  EXPECT_EQ(late.connections.size(), 1u);
  world.ensemble->remove(late);
}

TEST_F(EnsembleTest, KeepsTheSessionOverALostConnection) {
  world.pass(1s);
  world.registry.cut_connections();
  world.pass(1s);
  ASSERT_EQ(recorder.connections.size(), 2u);
  EXPECT_FALSE(recorder.connections[1].new_session);
  EXPECT_EQ(recorder.ids[0], recorder.ids[1]);
  EXPECT_EQ(recorder.disconnections, 1);
}

TEST_F(EnsembleTest, ReplacesAnExpiredSession) {
  world.pass(1s);
  world.registry.expire(recorder.ids[0]);
  world.pass(1s);
  ASSERT_EQ(recorder.connections.size(), 2u);
  EXPECT_TRUE(recorder.connections[1].new_session);
  EXPECT_NE(recorder.ids[0], recorder.ids[1]);
}

TEST_F(EnsembleTest, ReplacesTheSessionOfAWipedRegistryThoughNobodySaysItExpired) {
  for (int i = 0; i < 100; ++i) world.join("10.0.0.1:" + std::to_string(1000 + i));
  world.watch();
  world.pass(1s);
  world.registry.wipe();
  world.pass(FakeWorld::kTimeout * 4 / 3 + 1s);
  ASSERT_EQ(recorder.connections.size(), 2u);
  EXPECT_TRUE(recorder.connections[1].new_session);
}

TEST_F(EnsembleTest, KeepsTryingForAsLongAsItTakes) {
  world.pass(1s);
  world.registry.go_down();
  world.pass(6h);
  EXPECT_EQ(recorder.connections.size(), 1u);
  world.registry.come_back();
  world.pass(3s);
  ASSERT_EQ(recorder.connections.size(), 2u);
  EXPECT_GT(recorder.connections[1].outage, 5h);
}

TEST_F(EnsembleTest, DropsASessionThatSaysItIsConnectedButAnswersNothing) {
  world.pass(1s);
  world.registry.freeze(true);
  world.pass(FakeWorld::kTimeout * 4 / 3 + 1s);
  EXPECT_EQ(world.ensemble->session(), nullptr);
  EXPECT_EQ(recorder.disconnections, 1);
  world.registry.freeze(false);
  world.pass(3s);
  EXPECT_EQ(recorder.connections.size(), 2u);
}

TEST_F(EnsembleTest, DropsASessionThatLoops) {
  world.pass(1s);
  for (int i = 0; i < 6; ++i) {
    world.registry.cut_connections();
    world.pass(200ms);
  }
  world.pass(3s);
  EXPECT_EQ(world.lines_with("in a loop"), 1u);
  EXPECT_TRUE(recorder.connections.back().new_session);
}

TEST_F(EnsembleTest, DoesNotTakeRareDisconnectionsForALoop) {
  world.pass(1s);
  for (int i = 0; i < 20; ++i) {
    world.registry.cut_connections();
    world.pass(5s);
  }
  EXPECT_EQ(world.ensemble->sessions(), 1u);
}

}  // namespace
}  // namespace weir::discovery
