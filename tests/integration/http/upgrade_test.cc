// Upgrade: after the backend's 101 the connection is a tunnel.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

constexpr const char* kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

constexpr const char* kConfig = R"(
    server {
      location / {
        proxy_pass http://%app%;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
      }
      location /impatient {
        proxy_pass http://%app%;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_read_timeout 1s;
      }
      location /plain { proxy_pass http://%app%; }
    })";

/// Switches, then sends back each octet.
FakeBackend mirror() {
  return FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request) || !connection.read_body(request) || !connection.send(kSwitching)) return;
    std::string bytes = std::exchange(connection.reader().buffered(), {});
    do {
      if (!bytes.empty() && !connection.send(bytes)) return;
      bytes.clear();
    } while (connection.socket().receive(bytes) == IoStatus::Ok);
  });
}

TEST(Upgrade, MakesATunnelForBothDirections) {
  FakeBackend app = mirror();
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(kUpgrade);
  const HttpResponse response = client.read_response();
  EXPECT_EQ(response.status, 101);
  EXPECT_TRUE(equal_ignoring_case(response.field("Upgrade"), "websocket"));
  EXPECT_NE(response.field("Connection").find_first_of("uU"), std::string::npos);
  EXPECT_EQ(app.last_request().field("Upgrade"), "websocket");
  EXPECT_EQ(app.last_request().field("Sec-WebSocket-Version"), "13");
  for (const std::string& message :
       std::vector<std::string>{"hello", "GET / HTTP/1.1\r\n\r\n", std::string("\0\xff\x81", 3)}) {
    client.send(message);
    EXPECT_EQ(client.read_bytes(message.size()), message);
  }
}

TEST(Upgrade, OctetsOfTheTunnelAreLogged) {
  FakeBackend app = mirror();
  WeirProcess weir("log_format sent '$bytes_sent $body_bytes_sent'; access_log %dir%/sent.log sent;" + std::string(kConfig),
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(kUpgrade);
  const HttpResponse response = client.read_response();
  ASSERT_EQ(response.status, 101);
  client.send("hello");
  EXPECT_EQ(client.read_bytes(5), "hello");
  client.close();
  EXPECT_TRUE(wait_until([&] { return weir.dir().read("sent.log").ends_with(" 5\n"); }));
  EXPECT_GT(std::stoul(weir.dir().read("sent.log")), 5u + 50u) << "head and tunnel";
}

TEST(Upgrade, CarriesMuchAtOnceInBothDirections) {
  FakeBackend app = mirror();
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(kUpgrade);
  ASSERT_EQ(client.read_response().status, 101);
  constexpr std::size_t kSize = 16 << 20;
  PatternBytes pattern(kSize);
  std::thread sender([&, fd = client.socket().fd()] {
    // The same socket from a second thread: only sends here, only receives there.
    for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next())
      if (client.send(piece) != IoStatus::Ok) break;
  });
  Body received;
  while (received.size() < kSize) {
    std::string bytes;
    if (client.socket().receive(bytes) != IoStatus::Ok) break;
    received.add(bytes);
  }
  sender.join();
  EXPECT_EQ(received.size(), kSize);
  EXPECT_EQ(received.hash(), pattern.hash());
}

TEST(Upgrade, OctetsBehindTheHeadsAreNotLost) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request) || !connection.read_body(request)) return;
    connection.send(std::string(kSwitching) + "first words");
    std::string heard = std::exchange(connection.reader().buffered(), {});
    while (heard.size() < 5 && connection.socket().receive(heard) == IoStatus::Ok) continue;
    connection.send("heard:" + heard);
    connection.hold();
  });
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(std::string(kUpgrade) + "early");
  EXPECT_EQ(client.read_response().status, 101);
  EXPECT_EQ(client.read_bytes(11), "first words");
  EXPECT_EQ(client.read_bytes(11), "heard:early");
}

TEST(Upgrade, EndsWithEitherSide) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request) || !connection.read_body(request)) return;
    connection.send(std::string(kSwitching) + "bye");
    if (request.field("X-Who") == "client") connection.hold();
  });
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient by_backend = weir.connect();
  by_backend.send(kUpgrade);
  EXPECT_EQ(by_backend.read_response().status, 101);
  EXPECT_EQ(by_backend.read_to_end().bytes, "bye");

  RawClient by_client = weir.connect();
  std::string wire = kUpgrade;
  by_client.send(wire.insert(wire.size() - 2, "X-Who: client\r\n"));
  EXPECT_EQ(by_client.read_response().status, 101);
  EXPECT_EQ(by_client.read_bytes(3), "bye");
  by_client.close();
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
}

TEST(Upgrade, AnIdleTunnelEndsAfterProxyReadTimeout) {
  FakeBackend app = mirror();
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient client = weir.connect();
  std::string wire = kUpgrade;
  client.send(wire.replace(0, 9, "GET /impatient"));
  ASSERT_EQ(client.read_response().status, 101);
  const Stopwatch watch;
  EXPECT_TRUE(client.closed_within());
  EXPECT_GE(watch.elapsed(), milliseconds(700));
  EXPECT_LE(watch.elapsed(), milliseconds(5'000));
}

TEST(Upgrade, RefusedByTheBackendIsAnOrdinaryAnswer) {
  FakeBackend app = FakeBackend::answering(426, "later");
  WeirProcess weir(kConfig, {{"app", app.address()}});
  RawClient client = weir.connect();
  const HttpResponse response = client.ask(kUpgrade);
  EXPECT_EQ(response.status, 426);
  EXPECT_EQ(response.text(), "later");
}

TEST(Upgrade, IsNotPassedUnlessConfigured) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kConfig, {{"app", app.address()}});
  std::string wire = kUpgrade;
  EXPECT_EQ(weir.connect().ask(wire.replace(0, 9, "GET /plain")).status, 200);
  EXPECT_FALSE(app.last_request().has("Upgrade"));
}

TEST(Upgrade, A101NobodyAskedForIsABadGateway) {
  WEIR_ONLY("nginx passes it on");
  FakeBackend app = FakeBackend::sending(std::string(kSwitching) + "raw octets");
  WeirProcess weir(kConfig, {{"app", app.address()}});
  EXPECT_EQ(weir.get("/plain").status, 502);
  EXPECT_EQ(weir.get("/").status, 502);
}

TEST(Upgrade, A101BeforeTheEndOfTheRequestIsABadGateway) {
  WEIR_ONLY("nginx passes it on, and then the rest of the body as it comes, in chunks of its own or not");
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request)) return;
    connection.send(kSwitching);
    connection.hold();
  });
  app.allow_malformed_requests();
  WeirProcess weir(R"(
      server {
        location / {
          proxy_pass http://%app%;
          proxy_request_buffering off;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
        }
      })",
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Transfer-Encoding: chunked\r\n\r\n14\r\nhalf of it");
  EXPECT_EQ(client.read_response().status, 502);
}

}  // namespace
}  // namespace weir::test
