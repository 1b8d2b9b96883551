// What may be tried again, and how often: replays of what was surely not read, and the retry budget.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <thread>

#include "support/fake_backend.h"
#include "support/wait.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kPair = R"(
    upstream group { server %bad% max_fails=0; server %good% backup; }
    server { location / { proxy_pass http://group; } })";

TEST(Retries, APostThatWasReadAndResetOnAKeptConnectionIsNotSentAgain) {
  // On a connection in use the backend's system acknowledges late, so that the octets look as if nobody had taken them.
  std::atomic<int> executed{0};
  FakeBackend bad = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest& request) {
    if (request.method == "POST") {
      ++executed;
      connection.reset();
      return;
    }
    connection.answer({.status = 200, .body = "warm"}, request.method);
  });
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}}, {.workers = 1});
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(weir.get("/").text(), "warm");
    EXPECT_EQ(weir.request({.method = "POST", .body = "run me once"}).status, 502);
    EXPECT_EQ(executed, i);
  }
  EXPECT_EQ(good.request_count(), 0u);
}

TEST(Retries, APostThatMeetsTheEndOfAKeptConnectionIsSentAgain) {
  WEIR_ONLY("nginx does not send it again");
  constexpr int kBefore = 4;
  std::atomic<int> executed{0};
  std::latch close_now(1);
  FakeBackend app = FakeBackend::scripted([&](BackendConnection& connection) {
    for (HttpRequest request; connection.read_request(request);) {
      const int now = ++executed;
      connection.answer({.status = 200, .body = "done"}, request.method);
      if (now == kBefore) return close_now.wait();
    }
  });
  WeirProcess weir(R"(
      upstream group { server %app%; keepalive 4; }
      server { location / { proxy_pass http://group; add_header X-Tried $upstream_addr; } })",
                   {{"app", app.address()}}, {.workers = 1});
  for (int i = 0; i < kBefore; ++i)
    ASSERT_EQ(weir.request({.method = "POST", .body = std::string(static_cast<std::size_t>(i) * 20'000 + 1, 'b')}).status, 200);
  ASSERT_EQ(app.connection_count(), 1u);
  // The request is there before the end of the connection is, so it leaves on that one.
  weir.signal(SIGSTOP);
  std::thread client([&] {
    const auto answer = weir.request({.method = "POST", .body = "once"});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("X-Tried"), app.address() + ", " + app.address());
  });
  std::this_thread::sleep_for(milliseconds(200));
  close_now.count_down();
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
  weir.signal(SIGCONT);
  client.join();
  EXPECT_EQ(executed, kBefore + 1);
  EXPECT_EQ(app.connection_count(), 2u);
}

TEST(Retries, ABackendThatDoesNotEvenTakeConnectionsIsLeftAloneSoon) {
  WEIR_ONLY("nginx waits for proxy_connect_timeout");
  FakeBackend bad = FakeBackend::echoing("bad"), good = FakeBackend::echoing("good");
  WeirProcess weir(R"(
      upstream group { server %bad%; server %good%; keepalive 0; }
      server { location / { proxy_pass http://group; proxy_connect_timeout 60s; } })",
                   {{"bad", bad.address()}, {"good", good.address()}}, {.workers = 1});
  for (int i = 0; i < 60; ++i) ASSERT_EQ(weir.get("/").status, 200);  // what is usual
  // Its queue of connections is full and nobody takes any out: what comes more is not answered at all.
  bad.stop();
  const Socket hole = Socket::listen(bad.address(), 0);
  std::vector<Socket> queue;
  try {
    for (;;) queue.push_back(Socket::connect(bad.address(), milliseconds(300)));
  } catch (const SocketError&) {
  }
  const Stopwatch time;
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int i = 0; i < 12; ++i)
    clients.emplace_back([&, post = i % 2 == 0] {
      if (weir.request({.method = post ? "POST" : "GET", .body = post ? "x" : ""}).status == 200) ++answered;
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 12);
  EXPECT_LT(time.elapsed(), milliseconds(20'000));
  EXPECT_TRUE(weir.logs("upstream hangs"));
}

TEST(Retries, ALengthlessAnswerThatIsCutEarlyIsAskedForAgain) {
  WEIR_ONLY("nginx sends what it has, and a cut");
  for (const std::string head : {"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "\r\nhello"}) {
    FakeBackend bad = FakeBackend::handling([head](BackendConnection& connection, const HttpRequest&) {
      connection.send("HTTP/1.1 200 OK\r\n" + head);
      connection.pause(milliseconds(5));  // let the octets arrive before the reset overtakes them
      connection.reset();
    });
    FakeBackend good = FakeBackend::answering(200, "good");
    WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
    // It is held for a moment only, which on a busy machine may be over before the reset.
    EXPECT_TRUE(wait_until([&] {
      try {
        return weir.get("/").text() == "good";
      } catch (const SocketError&) {
        return false;
      }
    })) << head;
  }
}

TEST(Retries, EventsAreNotHeldUp) {
  FakeBackend events = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: " + request.field("X-Type") +
                    "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    connection.hold();  // the second never comes
  });
  WeirProcess weir("server { location / { proxy_pass http://%events%; } }", {{"events", events.address()}});
  for (const char* type : {"text/event-stream", "text/plain"}) {
    RawClient client = weir.connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Type: " + std::string(type) + "\r\n\r\n");
    std::string received;
    while (received.find("first") == std::string::npos)
      ASSERT_EQ(client.socket().receive(received), IoStatus::Ok) << type;
  }
}

TEST(Retries, LargeLengthlessAnswersPassWhole) {
  PatternBytes pattern(300'000);
  for (const auto framing : {Answer::Framing::Chunked, Answer::Framing::UntilClose}) {
    FakeBackend backend = FakeBackend::answering({.body = pattern.whole(), .framing = framing});
    WeirProcess weir("server { location / { proxy_pass http://%backend%; } }", {{"backend", backend.address()}});
    const HttpResponse answer = weir.get("/");
    EXPECT_TRUE(answer.complete);
    EXPECT_EQ(answer.body.hash(), pattern.hash());
  }
}

TEST(Retries, KeepToTheBudgetOfTheUpstream) {
  WEIR_ONLY("nginx has no retry budget");
  // The first backend fails at once, the second takes its time: retries are under way there together.
  std::atomic<int> under_way{0}, most{0};
  FakeBackend bad = FakeBackend::answering(503, "bad");
  FakeBackend slow = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest& request) {
    int now = ++under_way;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    connection.pause(milliseconds(100));
    --under_way;
    connection.answer({.status = 200, .body = "slow"}, request.method);
  });
  WeirProcess weir(R"(
      upstream group { server %bad% max_fails=0; server %slow% backup; retry_budget 0% min=2; }
      server { location / { proxy_pass http://group; proxy_next_upstream http_503; } })",
                   {{"bad", bad.address()}, {"slow", slow.address()}});
  std::atomic<int> passed_on{0}, retried{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      for (int k = 0; k < 5; ++k) {
        const HttpResponse answer = weir.get("/");
        ++(answer.text() == "slow" ? retried : passed_on);
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_LE(most, 2);
  EXPECT_GT(retried, 0);
  EXPECT_GT(passed_on, 0);
}

TEST(Retries, BudgetIsReadStrictly) {
  WEIR_ONLY("nginx has no retry budget");
  const auto check = [](const std::string& words) {
    return test_config("events { } http { upstream g { server 127.0.0.1:1; retry_budget " + words + "; } }");
  };
  for (const char* good : {"20%", "20% min=3", "off", "0%"}) EXPECT_EQ(check(good).exit_code, 0) << check(good).output;
  for (const char* bad : {"20", "120%", "min=x", "off 20%", "-1%"}) EXPECT_NE(check(bad).exit_code, 0) << bad;
}

}  // namespace
}  // namespace weir::test
