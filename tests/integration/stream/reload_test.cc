// Sessions outlive reloads, and a graceful end waits for them.
#include <atomic>
#include <csignal>

#include "stream_world.h"
#include "support/udp.h"

namespace weir::test {
namespace {

TEST(StreamReload, ALiveSessionGoesOnAndNewOnesFollowTheNewConfiguration) {
  FakeBackend before = echo("before"), after = echo("after");
  WeirProcess weir("server { proxy_pass %before%; }", {{"before", before.address()}, {"after", after.address()}},
                   in_stream());
  RawClient old(weir.address());
  EXPECT_EQ(old.read_bytes(7), "before:");
  weir.reload("server { proxy_pass %after%; }");
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 6) == "after:"; }));
  old.send("still there");
  EXPECT_EQ(old.read_bytes(11), "still there");
}

TEST(StreamReload, AnAddressThatLeavesClosesForNewClientsOnly) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; } server { listen %listen2%; proxy_pass %app%; }",
                   {{"app", app.address()}}, in_stream());
  RawClient old(weir.address("listen2"));
  EXPECT_EQ(old.read_bytes(4), "app:");
  weir.reload("server { proxy_pass %app%; }");
  EXPECT_TRUE(wait_until([&] { return say(weir.address("listen2"), "", 4) != "app:"; }));
  old.send("x");
  EXPECT_EQ(old.read_bytes(1), "x");
}

TEST(StreamReload, WorkerShutdownTimeoutClosesTheSessionsOfBefore) {
  FakeBackend app = echo("app");
  const auto datagrams = UdpBackend::echoing("app");
  const std::string text = "server { proxy_pass %app%; } server { listen %listen% udp; proxy_pass %udp%; }";
  WeirProcess weir(text, {{"app", app.address()}, {"udp", datagrams->address()}},
                   in_stream({.main = "worker_shutdown_timeout 300ms;\n", .workers = 1}));
  RawClient old(weir.address());
  EXPECT_EQ(old.read_bytes(4), "app:");
  UdpSocket old_datagrams = udp_client(weir.address());
  EXPECT_EQ(old_datagrams.ask("x"), "app:x");
  weir.reload(text + " server { listen %listen2%; return marker; }");
  EXPECT_TRUE(wait_until([&] { return say(weir.address("listen2"), "", 6) == "marker"; }));
  RawClient later(weir.address());
  EXPECT_EQ(later.read_bytes(4), "app:");
  EXPECT_TRUE(old.closed_within());
  EXPECT_TRUE(weir.logs("2 connections under an earlier configuration were closed: worker_shutdown_timeout has passed"));
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 1; }));
  later.send("y");
  EXPECT_EQ(later.read_bytes(1), "y");
  EXPECT_EQ(old_datagrams.ask("z"), "app:z");  // in a session of its own
  EXPECT_EQ(datagrams->senders(), 2u);
}

// Its client has ended its side, so nobody waits for that any more.
TEST(StreamReload, WorkerShutdownTimeoutClosesSessionsThatWaitForTheirBackendAlone) {
  std::atomic<bool> is_over = false;
  FakeBackend app = FakeBackend::scripted([&](BackendConnection& connection) {
    std::string bytes;
    while (connection.socket().receive(bytes) == IoStatus::Ok) continue;
    connection.send("answer");
    is_over.wait(false);
  });
  const std::string text = "server { proxy_pass %app%; proxy_half_close on; }";
  WeirProcess weir(text, {{"app", app.address()}}, in_stream({.main = "worker_shutdown_timeout 300ms;\n", .workers = 1}));
  RawClient client(weir.address());
  client.send("question");
  client.shutdown_send();
  EXPECT_EQ(client.read_bytes(6), "answer");
  weir.reload(text);
  EXPECT_TRUE(weir.logs("1 connections under an earlier configuration were closed: worker_shutdown_timeout has passed"));
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.logs("session closed while proxying connection"));
  is_over = true;
  is_over.notify_all();
}

// With the sessions of before goes what they were counted in.
TEST(StreamReload, ASessionIsCountedToItsEndInAZoneThatIsGone) {
  FakeBackend app = echo("app");
  const std::string server = " server { proxy_pass %app%; limit_conn z 9; }";
  WeirProcess weir("limit_conn_zone $remote_addr zone=z:1m;" + server, {{"app", app.address()}}, in_stream({.workers = 1}));
  RawClient old(weir.address());
  EXPECT_EQ(old.read_bytes(4), "app:");
  weir.reload("limit_conn_zone $remote_addr zone=z:2m;" + server + " server { listen %listen2%; return marker; }");
  EXPECT_TRUE(wait_until([&] { return say(weir.address("listen2"), "", 6) == "marker"; }));
  old.close();
  EXPECT_TRUE(weir.logs("generation 1 of the configuration is not used any more")) << weir.error_log();
  EXPECT_EQ(say(weir.address(), "", 4), "app:");
}

TEST(StreamReload, WorkerShutdownTimeoutCutsAGracefulEndShort) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}},
                   in_stream({.main = "worker_shutdown_timeout 300ms;\n"}));
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  weir.signal(SIGQUIT);
  EXPECT_TRUE(client.closed_within());
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

TEST(StreamReload, AGracefulEndWaitsForSessions) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  weir.signal(SIGQUIT);
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 4) != "app:"; }));
  client.send("last words");
  EXPECT_EQ(client.read_bytes(10), "last words");
  EXPECT_TRUE(weir.running());
  client.close();
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

TEST(StreamReload, AFastEndClosesSessions) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  weir.signal(SIGTERM);
  EXPECT_TRUE(client.closed_within());
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

}  // namespace
}  // namespace weir::test
