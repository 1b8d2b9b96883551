// Every time limit on the way from client to backend and back.
#include <gtest/gtest.h>

#include <thread>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// A limit of one second was kept: not early, and not later than a busy machine explains.
void expect_about_a_second(const Stopwatch& watch) {
  EXPECT_GE(watch.elapsed(), milliseconds(700));
  EXPECT_LE(watch.elapsed(), milliseconds(5'000));
}

TEST(Timeouts, AHeadMustArriveWithinClientHeaderTimeout) {
  WeirProcess weir("client_header_timeout 1s; server { location / { return 200 ok; } }");
  RawClient silent = weir.connect();
  RawClient unfinished = weir.connect();
  unfinished.send("GET / HTTP/1.1\r\nHost: x\r\n");
  const Stopwatch watch;
  EXPECT_TRUE(unfinished.closed_within());
  expect_about_a_second(watch);
  EXPECT_TRUE(silent.closed_within());
}

TEST(Timeouts, TricklingDoesNotProlongClientHeaderTimeout) {
  WeirProcess weir("client_header_timeout 1s; server { location / { return 200 ok; } }");
  RawClient client = weir.connect();
  const Stopwatch watch;
  client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  bool ended = false;
  while (!ended && watch.elapsed() < milliseconds(8'000)) {
    ended = client.send("x") != IoStatus::Ok || client.closed_within(milliseconds(100));
  }
  EXPECT_TRUE(ended);
  expect_about_a_second(watch);
}

TEST(Timeouts, AnIdleClientIsNotCutByClientHeaderTimeout) {
  WeirProcess weir("client_header_timeout 1s; keepalive_timeout 30s; server { location / { return 200 ok; } }");
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask(to_wire({})).status, 200);
  EXPECT_TRUE(client.quiet_for(milliseconds(1'500)));
  EXPECT_EQ(client.ask(to_wire({})).status, 200);
}

TEST(Timeouts, ABodyMustNotPauseForClientBodyTimeout) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      client_body_timeout 1s;
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; }
      })",
                   {{"app", app.address()}});
  for (const std::string target : {"/", "/stream"}) {
    SCOPED_TRACE(target);
    RawClient client = weir.connect();
    client.send("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    // Each piece starts the limit anew.
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(client.send("piece"), IoStatus::Ok);
      std::this_thread::sleep_for(milliseconds(500));
    }
    const Stopwatch watch;
    EXPECT_TRUE(client.closed_within());
    EXPECT_LE(watch.elapsed(), milliseconds(5'000));
  }
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
  for (const HttpRequest& request : app.requests()) EXPECT_FALSE(request.complete);
}

TEST(Timeouts, AReaderMustNotPauseForSendTimeout) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    const std::string block(1 << 16, 'x');
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (connection.send(block)) {
    }
  });
  WeirProcess weir("send_timeout 1s; server { location / { proxy_pass http://%app%; proxy_buffering off; } }",
                   {{"app", app.address()}});
  RawClient client(weir.address(), 8'192);
  const Stopwatch watch;
  client.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return app.open_connections() == 1; }));
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
  EXPECT_GE(watch.elapsed(), milliseconds(700));
  EXPECT_FALSE(client.read_response().complete);
}

TEST(Timeouts, AReaderHasNoMoreTimeBecauseTheBackendGoesOn) {
  WEIR_ONLY("nginx begins send_timeout anew whenever the backend sends something");
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string much = "800000\r\n" + std::string(0x800000, 'x') + "\r\n";
    connection.send(much);
    while (connection.pause(milliseconds(20)) && connection.send("1\r\nx\r\n")) {
    }
  });
  WeirProcess weir("send_timeout 500ms; server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  RawClient client(weir.address(), 8'192);
  client.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return app.open_connections() == 1; }));
  EXPECT_TRUE(weir.logs("it read nothing for send_timeout"));
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
}

/// A listening socket whose queue is full: the kernel answers further connections with silence.
class UnansweringPort {
 public:
  UnansweringPort() : listener_(Socket::listen(port_.address(), 0)) {
    try {
      for (;;) fillers_.push_back(Socket::connect(port_.address(), milliseconds(200)));
    } catch (const SocketError&) {
      // Full.
    }
  }
  std::string address() const { return port_.address(); }

 private:
  Port port_;
  Socket listener_;
  std::vector<Socket> fillers_;
};

TEST(Timeouts, AConnectionMustComeUpWithinProxyConnectTimeout) {
  const UnansweringPort dead;
  WeirProcess weir("server { location / { proxy_connect_timeout 1s; proxy_pass http://%dead%; } }",
                   {{"dead", dead.address()}});
  const Stopwatch watch;
  EXPECT_EQ(weir.get("/").status, 504);
  expect_about_a_second(watch);
  EXPECT_TRUE(weir.logs("(110: Connection timed out) while connecting to upstream"));
}

TEST(Timeouts, AfterProxyConnectTimeoutTheNextBackendIsTried) {
  const UnansweringPort dead;
  FakeBackend app = FakeBackend::echoing("app");
  WeirProcess weir(R"(
      upstream group { server %dead%; server %app%; }
      server { location / { proxy_connect_timeout 1s; proxy_pass http://group; } })",
                   {{"dead", dead.address()}, {"app", app.address()}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(weir.get("/").status, 200);
}

TEST(Timeouts, ABackendMustTakeTheRequestWithinProxySendTimeout) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    connection.read_head(request);
    std::this_thread::sleep_for(milliseconds(4'000));  // reads nothing: this is the fault, not synchronisation
  });
  WeirProcess weir(R"(
      client_max_body_size 0;
      server { location / { proxy_send_timeout 1s; proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; } })",
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n");
  const Stopwatch watch;
  const std::string block(1 << 16, 'x');
  while (client.socket().send(block, milliseconds(300)) == IoStatus::Ok) continue;
  EXPECT_EQ(client.read_response().status, 504);
  EXPECT_LE(watch.elapsed(), milliseconds(6'000));
  EXPECT_TRUE(weir.logs("(110: Connection timed out) while sending request to upstream"));
}

TEST(Timeouts, AnAnswerMustBeginWithinProxyReadTimeout) {
  FakeBackend app = FakeBackend::silent();
  WeirProcess weir("server { location / { proxy_read_timeout 1s; proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  const Stopwatch watch;
  EXPECT_EQ(weir.get("/").status, 504);
  expect_about_a_second(watch);
  EXPECT_TRUE(
      weir.logs("upstream timed out (110: Connection timed out) while reading response header from upstream"));
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
}

TEST(Timeouts, ATricklingHeadIsNotAnAnswer) {
  WEIR_ONLY("nginx starts proxy_read_timeout anew with each octet");
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nX-Slow: ");
    while (connection.pause(milliseconds(300)) && connection.send("x")) {
    }
  });
  WeirProcess weir("server { location / { proxy_read_timeout 1s; proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  const Stopwatch watch;
  EXPECT_EQ(weir.get("/").status, 504);
  expect_about_a_second(watch);
}

TEST(Timeouts, AStallInTheAnswersBodyIsVisibleToTheClient) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.send(request.target == "/chunked"
                        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    connection.hold();
  });
  WeirProcess weir(
      "server { location / { proxy_read_timeout 1s; proxy_pass http://%app%; proxy_http_version 1.1; } }",
      {{"app", app.address()}});
  for (const char* target : {"/length", "/chunked"}) {
    SCOPED_TRACE(target);
    const HttpResponse response = weir.get(target);
    EXPECT_NE(response.end, IoStatus::Timeout);
    // Who has not passed anything on yet may still say 504.
    if (response.status != 504) {
      EXPECT_EQ(response.status, 200);
      EXPECT_FALSE(response.complete);
    }
  }
}

TEST(Timeouts, EachPieceOfAnAnswerStartsProxyReadTimeoutAnew) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5 && connection.pause(milliseconds(400)); ++i) connection.send("x");
  });
  WeirProcess weir("server { location / { proxy_read_timeout 1s; proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  const HttpResponse response = weir.get("/");
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.text(), "xxxxx");
}

}  // namespace
}  // namespace weir::test
