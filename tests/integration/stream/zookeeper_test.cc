// Members of a group of sessions that live in a real ZooKeeper.
#include <atomic>
#include <thread>

#include "stream_world.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

namespace weir::test {
namespace {

TEST(StreamZooKeeper, MembersComeAndGoAndSessionsStay) {
  WEIR_ONLY("nginx knows no zk_cluster");
  ZooKeeperServer server;
  ZooKeeperNodes nodes(server.address());
  const std::string members = "/weir/group/members/";
  FakeBackend a = echo("a"), b = echo("b");
  nodes.create_ephemeral(members + a.address());
  WeirProcess weir(R"(
      upstream group { least_conn; zk_cluster %zk%; zk_vanish trust; zk_damp off; }
      server { proxy_pass group; })",
                   {{"zk", server.address()}}, in_stream());
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 2) == "a:"; }));
  RawClient old(weir.address());
  EXPECT_EQ(old.read_bytes(2), "a:");
  nodes.create_ephemeral(members + b.address());
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 2) == "b:"; }));
  nodes.remove(members + a.address());
  EXPECT_TRUE(wait_until([&] {
    for (int i = 0; i < 8; ++i)
      if (say(weir.address(), "", 2) != "b:") return false;
    return true;
  }));
  old.send("still here");
  EXPECT_EQ(old.read_bytes(10), "still here");
}

}  // namespace
}  // namespace weir::test
