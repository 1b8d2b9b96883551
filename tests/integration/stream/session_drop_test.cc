// Sessions whose backend is no longer to be used (proxy_session_drop).
#include <atomic>

#include "stream_world.h"
#include "support/udp.h"

namespace weir::test {
namespace {

/// A session that is under way: the backend said who it is.
RawClient held(WeirProcess& weir, const std::string& listen, const std::string& greeting) {
  RawClient client(weir.address(listen));
  EXPECT_EQ(client.read_bytes(greeting.size()), greeting);
  return client;
}

bool still_works(RawClient& client) {
  client.send("x");
  return client.read_bytes(1) == "x";
}

TEST(StreamSessionDrop, EndsSessionsWithServersThatAreDownOrGone) {
  FakeBackend first = echo("first"), second = echo("second");
  const Values values = {{"first", first.address()}, {"second", second.address()}};
  const auto text = [](const std::string& parameters_of_first, bool has_second) {
    return "upstream one { server %first% " + parameters_of_first + "; server [::1]:9 backup; }\n" +
           "upstream two { " + (has_second ? "server %second%;" : "") + " server [::1]:9 backup; }\n" + R"(
      server { listen %listen_one%; proxy_pass one; proxy_session_drop on; }
      server { listen %listen_two%; proxy_pass two; proxy_session_drop on; }
      server { listen %listen_kept%; proxy_pass one; })";
  };
  WeirProcess weir(text("", true), values, in_stream());
  RawClient one = held(weir, "listen_one", "first:"), two = held(weir, "listen_two", "second:"), kept = held(weir, "listen_kept", "first:");

  weir.reload(text("weight=2", true));  // another weight is no reason
  ASSERT_TRUE(weir.logs("generation 2 of the configuration is in force"));
  EXPECT_TRUE(still_works(one));
  weir.reload(text("down", true));
  EXPECT_TRUE(one.closed_within());
  EXPECT_TRUE(weir.logs("upstream server was removed or is down, so the session is dropped, client: 127.0.0.1")) << weir.error_log();
  EXPECT_TRUE(still_works(two));
  weir.reload(text("down", false));
  EXPECT_TRUE(two.closed_within());
  EXPECT_TRUE(still_works(kept));
}

TEST(StreamSessionDrop, EndsSessionsWithServersThatFailTheirCheck) {
  std::atomic<bool> works{true};
  FakeBackend app = FakeBackend::scripted([&works](BackendConnection& connection) {
    if (!connection.send(works ? "good:" : "bad:")) return;
    connection.hold();
  });
  WeirProcess weir(R"(
      match greeting { expect "good:"; }
      upstream group { server %app%; }
      server { proxy_pass group; health_check interval=100ms match=greeting; proxy_session_drop on; }
      server { listen %listen_kept%; proxy_pass group; })",
                   {{"app", app.address()}}, in_stream());
  RawClient dropped = held(weir, "listen", "good:"), kept = held(weir, "listen_kept", "good:");
  works = false;
  EXPECT_TRUE(dropped.closed_within());
  EXPECT_TRUE(weir.logs("upstream server fails its health check, so the session is dropped")) << weir.error_log();
  EXPECT_TRUE(kept.quiet_for(milliseconds(50)));
}

TEST(StreamSessionDrop, EndsThoseOfDatagrams) {
  const auto app = UdpBackend::echoing("app");
  const auto text = [](const std::string& parameters) {
    return "upstream one { server %app% " + parameters + R"(; server [::1]:9 backup; }
      server { listen %listen% udp; proxy_pass one; proxy_session_drop on; })";
  };
  WeirProcess weir(text(""), {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  EXPECT_EQ(client.ask("x"), "app:x");
  weir.reload(text("down"));
  EXPECT_TRUE(weir.logs("upstream server was removed or is down, so the session is dropped, ")) << weir.error_log();
  EXPECT_TRUE(weir.logs("udp session closed"));
}

}  // namespace
}  // namespace weir::test
