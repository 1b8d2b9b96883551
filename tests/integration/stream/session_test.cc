// Sessions: octets both ways, their ends, and their bounds.
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "stream_world.h"

namespace weir::test {
namespace {

TEST(StreamSession, PassesOctetsBothWays) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  client.send("one");
  EXPECT_EQ(client.read_bytes(3), "one");
  client.send("two");
  EXPECT_EQ(client.read_bytes(3), "two");
}

TEST(StreamSession, ListensOnUnixSocketsAndPassesToThem) {
  const TempDir dir("sockets");
  const std::string behind = "unix:" + (dir.path() / "app").string();
  FakeBackend app = echo("app", behind);
  WeirProcess weir("server { listen unix:%dir%/front; proxy_pass %app%; } ", {{"app", behind}}, in_stream());
  EXPECT_EQ(say("unix:" + weir.dir().path().string() + "/front", "hi", 6), "app:hi");
}

TEST(StreamSession, EndsWhenEitherSideEnds) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  client.shutdown_send();
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
}

TEST(StreamSession, HalfCloseOfTheClientLetsTheBackendFinish) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    std::string all;
    while (connection.socket().receive(all) == IoStatus::Ok) {}
    connection.send("got " + std::to_string(all.size()));
  });
  WeirProcess weir("server { proxy_half_close on; proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  client.send(std::string(100'000, 'x'));
  client.shutdown_send();
  const RawClient::Rest rest = client.read_to_end();
  EXPECT_EQ(rest.bytes, "got 100000");
  EXPECT_EQ(rest.end, IoStatus::Closed);
}

TEST(StreamSession, HalfCloseOfTheBackendLetsTheClientFinish) {
  std::atomic<std::size_t> received{0};
  FakeBackend app = FakeBackend::scripted([&](BackendConnection& connection) {
    connection.send("bye");
    connection.shutdown_send();
    std::string all;
    while (connection.socket().receive(all) == IoStatus::Ok) {}
    received = all.size();
  });
  WeirProcess weir("server { proxy_half_close on; proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_to_end().bytes, "bye");
  client.send("late");
  client.shutdown_send();
  EXPECT_TRUE(wait_until([&] { return received == 4; })) << received;
}

TEST(StreamSession, MovesMuchInBothDirectionsAtOnce) {
  constexpr std::size_t kMuch = 24u << 20;
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    std::string bytes;
    for (;;) {
      bytes.clear();
      const IoStatus got = connection.socket().receive(bytes, 1 << 20);
      if (!bytes.empty() && !connection.send(bytes)) return;
      if (got != IoStatus::Ok) return;
    }
  });
  WeirProcess weir("server { proxy_half_close on; proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  std::string sent(kMuch, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761u >> 13);
  std::thread sender([&] {
    client.socket().send(sent, milliseconds(60'000));
    client.shutdown_send();
  });
  const std::string back = client.read_to_end().bytes;
  sender.join();
  EXPECT_EQ(back.size(), sent.size());
  EXPECT_TRUE(back == sent);
}

TEST(StreamSession, ASlowReaderSlowsItsWriterInBoundedMemory) {
  constexpr std::size_t kMuch = 48u << 20;
  std::atomic<std::size_t> taken{0};
  FakeBackend app = FakeBackend::scripted([&](BackendConnection& connection) {
    const std::string piece(1 << 16, 'x');
    for (std::size_t sent = 0; sent < kMuch; sent += piece.size()) {
      if (!connection.send(piece)) return;
      taken += piece.size();
    }
  });
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  const std::size_t before = weir.resident();
  RawClient client(weir.address(), 4096);
  // Until nobody takes any more: twice the same after a moment.
  for (std::size_t last = 0; taken == 0 || taken != last;) {
    last = taken;
    std::this_thread::sleep_for(milliseconds(300));
  }
  EXPECT_LT(taken.load(), kMuch) << "somebody took all of it";
  EXPECT_LT(weir.resident(), before + (16u << 20));
  EXPECT_EQ(client.read_to_end(milliseconds(60'000)).bytes.size(), kMuch);
}

TEST(StreamSession, IdleSessionsAreClosedAfterProxyTimeout) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; proxy_timeout 200ms; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_bytes(4), "app:");
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.logs("connection timed out (110: Connection timed out) while proxying connection"));
}

TEST(StreamSession, ErrorsSayWhoWhomAndHowMuch) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    std::string bytes;
    connection.socket().receive(bytes);
    connection.send("answer");
    connection.reset();
  });
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  say(weir.address(), "abc", 100);
  EXPECT_TRUE(weir.logs("(104: Connection reset by peer) while proxying and reading from upstream, client: 127.0.0.1, "
                        "server: " + weir.address() + ", upstream: \"" + app.address() + "\", bytes from/to client:3/"));
}

TEST(StreamSession, NamesInVariablesChooseTheUpstream) {
  FakeBackend one = echo("one"), two = echo("two");
  WeirProcess weir(R"(
      upstream named { server %one%; }
      map $remote_addr $where { default named; 127.0.0.2 %two%; }
      server { proxy_pass $where; })",
                   {{"one", one.address()}, {"two", two.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "", 4), "one:");
}

TEST(StreamSession, RatesHoldBackWhatIsRead) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) { connection.send(std::string(3000, 'x')); });
  WeirProcess weir("server { proxy_pass %app%; proxy_download_rate 1000; }", {{"app", app.address()}}, in_stream());
  const Clock::time_point began = Clock::now();
  RawClient client(weir.address());
  EXPECT_EQ(client.read_to_end().bytes.size(), 3000u);
  EXPECT_GE(Clock::now() - began, milliseconds(1900));  // the first second's worth comes at once
}

}  // namespace
}  // namespace weir::test
