// One upstream in a real ensemble of three, while servers of it fail.

#include <gtest/gtest.h>

#include "real_world.h"

namespace weir::discovery {
namespace {

// Writes are accepted again only once there is a leader.
bool can_add(Administrator& admin, const std::string& name) {
  return wait_until(
      [&] {
        const Code code = admin.create("/weir/app/static/" + name);
        return code == Code::Ok || code == Code::NodeExists;  // exists: the answer to an earlier try was lost
      },
      60s);
}

TEST(RealEnsemble, FailoverIsNoChangeOfMembership) {
  test::ZooKeeperEnsemble ensemble;
  Administrator admin(ensemble.addresses(), 30s);
  Watched app(ensemble.addresses());
  ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
  app.start();
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();

  const std::size_t first_leader = ensemble.leader();
  ensemble.server(first_leader).kill();
  ASSERT_TRUE(can_add(admin, "127.0.0.1:82"));
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"}, 60s)) << app.log();
  ensemble.server(first_leader).start();

  // A leader that is frozen, not gone: nobody is told that its connections are dead.
  const std::size_t second_leader = ensemble.leader();
  ensemble.server(second_leader).freeze();
  ASSERT_TRUE(can_add(admin, "127.0.0.1:83"));
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82", "127.0.0.1:83"}, 60s)) << app.log();
  ensemble.server(second_leader).thaw();
  EXPECT_TRUE(app.always_named("127.0.0.1:81"));

  // All but one gone: no quorum, so nothing can be read, and nothing changes.
  const std::size_t before = app.history().size();
  for (std::size_t i = 1; i < test::ZooKeeperEnsemble::kSize; ++i) ensemble.server(i).kill();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Stale; }, 60s)) << app.log();
  EXPECT_EQ(app.history().size(), before);
  for (std::size_t i = 1; i < test::ZooKeeperEnsemble::kSize; ++i) ensemble.server(i).start();
  ASSERT_TRUE(wait_until([&] { return app.source.status().state == SourceState::Synced; }, 60s)) << app.log();
  EXPECT_TRUE(app.always_named("127.0.0.1:81"));
}

}  // namespace
}  // namespace weir::discovery
