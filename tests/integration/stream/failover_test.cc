// Backends of sessions that cannot be connected to, and how many sessions they get.
#include <atomic>
#include <thread>
#include <vector>

#include "stream_world.h"
#include "support/backend_process.h"

namespace weir::test {
namespace {

TEST(StreamFailover, AnotherBackendIsTriedAndTheFirstIsMarked) {
  FakeBackend dead = echo("dead"), alive = echo("alive");
  dead.stop();
  WeirProcess weir(R"(
      upstream group { server %dead% fail_timeout=1h; server %alive%; }
      server { proxy_pass group; })",
                   {{"dead", dead.address()}, {"alive", alive.address()}}, in_stream({.workers = 1}));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(say(weir.address(), "", 6), "alive:");
  dead.start();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(say(weir.address(), "", 6), "alive:");  // it is left alone for an hour
  const std::string log = weir.error_log();
  const std::string failure = "connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: " +
                              weir.address() + ", upstream: \"" + dead.address() + "\", bytes from/to client:0/0, bytes from/to upstream:0/0";
  const std::size_t first = log.find(failure);
  EXPECT_NE(first, log.npos) << log;
  alive.stop();
  EXPECT_EQ(say(weir.address(), "", 5), "dead:");
  EXPECT_TRUE(weir.logs("upstream \"group\": all servers are marked failed, so all of them are used"));
  EXPECT_EQ(log.find(failure, first + 1), log.npos);
}

TEST(StreamFailover, TheBackupServesWhenAllPrimariesAreGone) {
  FakeBackend primary = echo("primary"), backup = echo("backup");
  WeirProcess weir(R"(
      upstream group { server %primary%; server %backup% backup; }
      server { proxy_pass group; })",
                   {{"primary", primary.address()}, {"backup", backup.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "", 8), "primary:");
  primary.stop();
  EXPECT_EQ(say(weir.address(), "", 7), "backup:");
}

TEST(StreamFailover, WithoutNextUpstreamTheSessionEnds) {
  FakeBackend dead = echo("dead"), alive = echo("alive");
  dead.stop();
  WeirProcess weir(R"(
      upstream group { server %dead% max_fails=0 weight=1000; server %alive% backup; }
      server { proxy_pass group; proxy_next_upstream off; })",
                   {{"dead", dead.address()}, {"alive", alive.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_TRUE(client.closed_within());
  EXPECT_EQ(alive.connection_count(), 0u);
}

TEST(StreamFailover, NoSessionIsLostWhenABackendStopsUnderLoad) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(R"(
      upstream group { least_conn; server %a% fail_timeout=1s; server %b% fail_timeout=1s; }
      server { proxy_pass group; })",
                   {{"a", a.address()}, {"b", b.address()}}, in_stream());
  std::atomic<bool> ending{false};
  std::atomic<int> good{0}, lost{0}, cut{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      while (!ending) {
        const std::string answer = say(weir.address(), "ping", 6);
        if (answer == "a:ping" || answer == "b:ping") ++good;
        // Who was connected when the backend went is cut off: octets may have been sent, and cannot be sent again.
        else if (answer == "a:" || answer == "a:p") ++cut;
        else ++lost;
      }
    });
  const auto more = [&](int count) { return wait_until([&, from = good.load()] { return good >= from + count; }); };
  EXPECT_TRUE(more(200));
  a.stop(/*with_reset=*/false);
  EXPECT_TRUE(more(200));
  const int lost_at_stop = lost;
  EXPECT_TRUE(more(200));
  EXPECT_EQ(lost, lost_at_stop) << "sessions that began after the end of the backend";
  a.start();
  EXPECT_TRUE(wait_until([&] { return a.connection_count() > 0; }));
  EXPECT_TRUE(more(200));
  ending = true;
  for (std::thread& client : clients) client.join();
  EXPECT_LE(lost_at_stop + cut, 4) << "more than were connected";
}

TEST(StreamFailover, KillingServersUnderLoadRefusesNobody) {
  BackendProcess a("a"), b("b"), c("c");
  WeirProcess weir(R"(
      upstream group { least_conn; server %a% fail_timeout=1s; server %b% fail_timeout=1s; server %c% fail_timeout=1s; }
      server { proxy_pass group; })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}}, in_stream());
  constexpr int kClients = 4;
  std::atomic<bool> ending{false};
  std::atomic<int> kills{0};  // odd while one is under way
  std::atomic<int> good{0}, cut{0}, refused{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&] {
      while (!ending) {
        const int before = kills;
        const std::string answer = say(weir.address(), "GET / HTTP/1.0\r\n\r\n", 12);
        if (answer.ends_with(" 200")) ++good;
        // Octets may have been read by the server that was killed, and cannot be sent again.
        else if (before % 2 != 0 || kills != before) ++cut;
        else ++refused;
      }
    });
  const auto more = [&](int count) { return wait_until([&, from = good.load()] { return good >= from + count; }); };
  EXPECT_TRUE(more(100));
  int killed = 0;
  for (BackendProcess* const victim : {&a, &b, &c, &a, &b}) {
    ++kills;
    victim->kill();
    ++kills;
    ++killed;
    EXPECT_TRUE(more(150));
    victim->start();
    EXPECT_TRUE(more(150));
  }
  ending = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(refused, 0);
  EXPECT_LE(cut, killed * kClients) << "more than were connected";
}

TEST(StreamFailover, MaxConnsHoldsForTheLifeOfSessions) {
  FakeBackend small = echo("small"), rest = echo("rest");
  WeirProcess weir(R"(
      upstream group { server %small% max_conns=2; server %rest% backup; }
      server { proxy_pass group; })",
                   {{"small", small.address()}, {"rest", rest.address()}}, in_stream());
  RawClient first(weir.address()), second(weir.address());
  EXPECT_EQ(first.read_bytes(6), "small:");
  EXPECT_EQ(second.read_bytes(6), "small:");
  EXPECT_EQ(say(weir.address(), "", 5), "rest:");
  first.close();
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 5) == "small"; }));
}

}  // namespace
}  // namespace weir::test
