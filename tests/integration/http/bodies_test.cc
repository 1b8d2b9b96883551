// Bodies of every framing and size, in both directions, in bounded memory.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kLarge = 64 << 20;
/// What the proxy may grow by while a body of kLarge passes; sanitizers keep freed memory for a while.
constexpr std::size_t kGrowth = 24 << 20;

constexpr const char* kPlain = R"(
    client_max_body_size 0;
    server { location / { proxy_pass http://%app%; proxy_http_version 1.1; } })";
constexpr const char* kStreaming = R"(
    client_max_body_size 0;
    server { location / { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; } })";

std::string hex(std::size_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%zx", number);
  return text;
}

/// Sends a body of kLarge, framed as the target says; stops early when the proxy leaves.
void send_large(BackendConnection& connection, const HttpRequest& request) {
  const bool chunked = request.target == "/chunked";
  const bool until_close = request.target == "/close";
  PatternBytes pattern(kLarge);
  connection.send(chunked       ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  : until_close ? "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                                : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
  for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next()) {
    const bool sent =
        chunked ? connection.send(hex(piece.size()) + "\r\n" + std::string(piece) + "\r\n") : connection.send(piece);
    if (!sent) return;
  }
  if (chunked) connection.send("0\r\n\r\n");
  if (until_close) connection.close();
}

void expect_bounded(const WeirProcess& weir, std::size_t before) {
  EXPECT_LT(weir.resident(), before + kGrowth) << "the proxy has grown from " << (before >> 20) << " MiB";
}

TEST(ResponseBody, OfAnyFramingArrivesWholeInBoundedMemory) {
  FakeBackend app = FakeBackend::handling(send_large);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  weir.get("/none", {{"X-Warm", "up"}});
  const std::size_t before = weir.resident();
  const std::uint64_t hash = PatternBytes(kLarge).hash();
  HttpClient client = weir.client();
  for (const char* target : {"/length", "/chunked", "/close"}) {
    SCOPED_TRACE(target);
    const HttpResponse response = client.get(target);
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.body.size(), kLarge);
    EXPECT_EQ(response.body.hash(), hash);
    expect_bounded(weir, before);
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(ResponseBody, ASlowReaderSlowsTheBackend) {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<bool> done{false};
  FakeBackend app = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
    PatternBytes pattern(kLarge);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    for (auto piece = pattern.next(); !piece.empty() && connection.send(piece); piece = pattern.next())
      sent += piece.size();
    done = true;
  });
  WeirProcess weir(kStreaming, {{"app", app.address()}});
  const std::size_t before = weir.resident();
  RawClient client(weir.address(), 16 << 10);
  client.send(to_wire({}));
  HttpResponse response = client.read_response_head();
  // The backend's progress stops once every buffer between it and the client is full.
  std::uint64_t last = 0;
  EXPECT_TRUE(wait_until([&] {
    const std::uint64_t seen = last;
    std::this_thread::sleep_for(milliseconds(300));
    last = sent;
    return last == seen;
  }));
  EXPECT_FALSE(done);
  EXPECT_LT(sent, kLarge / 2) << "kernel buffers hold some MiB, the proxy should add little";
  expect_bounded(weir, before);
  client.read_response_body(response);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.body.hash(), PatternBytes(kLarge).hash());
}

TEST(ResponseBody, ASlowReaderOfALargeOneHoldsNoBackend) {
  std::atomic<bool> done{false};
  FakeBackend app = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest& request) {
    send_large(connection, request);
    done = true;
  });
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  RawClient slow = weir.connect();
  slow.send("GET /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(wait_until([&] { return done.load(); })) << "the backend must get rid of it all while nobody reads";
  const std::string whole = slow.read_to_end().bytes;
  const std::size_t head = whole.find("\r\n\r\n") + 4;
  PatternBytes pattern(kLarge);
  std::size_t at = head;
  for (auto piece = pattern.next(); !piece.empty(); at += piece.size(), piece = pattern.next())
    ASSERT_EQ(std::string_view(whole).substr(at, piece.size()), piece) << "at octet " << at - head;
  EXPECT_EQ(at, whole.size());
}

TEST(ResponseBody, ALargeOneThatIsCutIsSeenAsCut) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int i = 0; i < 64; ++i) connection.send(std::string(65'536, 'x'));
    if (request.target == "/reset") connection.reset();
    connection.close();
  });
  WeirProcess weir(kPlain, {{"app", app.address()}});
  for (const char* target : {"/close", "/reset"}) {
    SCOPED_TRACE(target);
    const HttpResponse response = weir.get(target);
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.complete);
    EXPECT_LE(response.body.size(), 4u << 20);
  }
  EXPECT_EQ(weir.get("/close").status, 200) << "and the proxy goes on";
}

TEST(RequestBody, OfAnyFramingArrivesWholeInBoundedMemory) {
  FakeBackend app = FakeBackend::answering(200);
  for (const char* text : {kPlain, kStreaming}) {
    WeirProcess weir(text, {{"app", app.address()}});
    weir.get("/");
    const std::size_t before = weir.resident();
    const std::uint64_t hash = PatternBytes(kLarge).hash();
    RawClient client = weir.connect();
    for (const bool chunked : {false, true}) {
      PatternBytes pattern(kLarge);
      client.send(std::string("POST / HTTP/1.1\r\nHost: x\r\n") +
                  (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(kLarge)) +
                  "\r\n\r\n");
      for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next()) {
        if (chunked)
          ASSERT_EQ(client.send(hex(piece.size()) + "\r\n" + std::string(piece) + "\r\n"), IoStatus::Ok);
        else
          ASSERT_EQ(client.send(piece), IoStatus::Ok);
      }
      if (chunked) client.send("0\r\n\r\n");
      EXPECT_EQ(client.read_response().status, 200);
      const HttpRequest seen = app.last_request();
      EXPECT_TRUE(seen.complete);
      EXPECT_EQ(seen.body.size(), kLarge);
      EXPECT_EQ(seen.body.hash(), hash);
      expect_bounded(weir, before);
    }
  }
}

TEST(RequestBody, ASlowBackendSlowsTheClient) {
  std::atomic<bool> go_on{false};
  FakeBackend app = FakeBackend::scripted([&](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request)) return;
    wait_until([&] { return go_on.load(); });
    if (connection.read_body(request)) connection.answer({});
  });
  WeirProcess weir(kStreaming, {{"app", app.address()}});
  const std::size_t before = weir.resident();
  RawClient client = weir.connect();
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
  PatternBytes pattern(kLarge);
  std::uint64_t total = 0;
  std::string rest;
  for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next()) {
    std::size_t sent = 0;
    const auto status = client.socket().send(piece, milliseconds(1'000), &sent);
    total += sent;
    if (status == IoStatus::Ok) continue;
    ASSERT_EQ(status, IoStatus::Timeout);
    rest = piece.substr(sent);
    break;
  }
  EXPECT_LT(total, kLarge / 2);
  expect_bounded(weir, before);
  go_on = true;
  ASSERT_EQ(client.send(rest), IoStatus::Ok);
  for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next())
    ASSERT_EQ(client.send(piece), IoStatus::Ok);
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(app.last_request().body.hash(), pattern.hash());
}

TEST(RequestBody, SmallOnesPassExactly) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (const std::size_t size : {0, 1, 2, 100, 4'095, 4'096, 8'192, 16'384, 65'535, 65'536, 70'001, 300'000}) {
    for (const bool chunked : {false, true}) {
      PatternBytes pattern(size, 7);
      EXPECT_EQ(client.request({.method = "POST", .body = pattern.whole(), .chunked = chunked}).status, 200);
      EXPECT_EQ(app.last_request().body.size(), size);
      EXPECT_EQ(app.last_request().body.hash(), pattern.hash());
    }
  }
}

TEST(RequestBody, ManyTinyChunksAreOneBody) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  std::string wire = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", body;
  for (int i = 0; i < 5'000; ++i) {
    const char c = static_cast<char>('a' + i % 26);
    wire += std::string(i % 7 == 0 ? "0001" : "1") + (i % 5 == 0 ? ";name=\"value\"" : "") + "\r\n" + c + "\r\n";
    body += c;
  }
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask(wire + "0\r\nX-Trailer: dropped\r\n\r\n").status, 200);
  EXPECT_EQ(app.last_request().body.text(), body);
  EXPECT_EQ(client.ask(to_wire({})).status, 200);
}

TEST(RequestBody, OfAGetIsPassedToo) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  weir.request({.method = "GET", .body = "unusual"});
  EXPECT_EQ(app.last_request().body.text(), "unusual");
}

TEST(RequestBody, AnAnswerBeforeItsEndReachesTheClient) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_head(request)) return;
    connection.answer({.status = 403, .body = "no thanks", .close = true});
  });
  WeirProcess weir(kStreaming, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000, 'x'));
  const HttpResponse response = client.read_response();
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.text(), "no thanks");
}

TEST(RequestBody, BufferedByDefaultSoThatASlowClientHoldsNoBackend) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; }
      })",
                   {{"app", app.address()}});
  RawClient buffered = weir.connect();
  buffered.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  RawClient streamed = weir.connect();
  streamed.send("POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_TRUE(wait_until([&] { return app.request_count() == 1; })) << "the streamed one reaches the backend at once";
  EXPECT_TRUE(buffered.quiet_for(milliseconds(200)));
  EXPECT_EQ(app.request_count(), 1u);
  buffered.send("def");
  EXPECT_EQ(buffered.read_response().status, 200);
  EXPECT_EQ(app.last_request().target, "/");
  streamed.send("def");
  EXPECT_EQ(streamed.read_response().status, 200);
  EXPECT_EQ(app.last_request().body.text(), "abcdef");
}

TEST(RequestBody, OverTheLimitIsRefusedWith413) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      client_max_body_size 1k;
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; }
        location /more { client_max_body_size 2k; proxy_pass http://%app%; }
        location /any { client_max_body_size 0; proxy_pass http://%app%; }
      })",
                   {{"app", app.address()}});
  EXPECT_EQ(weir.request({.method = "POST", .body = std::string(1'024, 'x')}).status, 200);
  EXPECT_EQ(weir.request({.method = "POST", .body = std::string(1'025, 'x')}).status, 413);
  EXPECT_EQ(weir.request({.method = "POST", .target = "/more", .body = std::string(1'025, 'x')}).status, 200);
  EXPECT_EQ(weir.request({.method = "POST", .target = "/any", .body = std::string(2'000'000, 'x')}).status, 200);
  EXPECT_EQ(weir.request({.method = "POST", .body = std::string(1'024, 'x'), .chunked = true}).status, 200);
  const std::size_t before = app.request_count();
  EXPECT_EQ(weir.request({.method = "POST", .body = std::string(1'025, 'x'), .chunked = true}).status, 413);
  EXPECT_EQ(weir.request({.method = "POST", .target = "/stream", .body = std::string(1'025, 'x')}).status, 413);
  EXPECT_EQ(app.request_count(), before);
  EXPECT_TRUE(weir.logs("client intended to send too large"));
}

TEST(RequestBody, OneMebibyteIsTheDefaultLimit) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  EXPECT_EQ(weir.request({.method = "POST", .body = std::string(1 << 20, 'x')}).status, 200);
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n").status, 413);
}

TEST(ResponseBody, TrailersEndTheBodyAndTheConnectionGoesOn) {
  FakeBackend app = FakeBackend::sending(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n",
      FakeBackend::After::KeepOpen);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 3; ++i) {
    const HttpResponse response = client.get("/");
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.text(), "hello");
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(ResponseBody, PiecesArriveAsTheyAreSent) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    connection.hold();
  });
  WeirProcess weir(kStreaming, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(to_wire({}));
  const HttpResponse head = client.read_response_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(client.read_bytes(8).find("one"), std::string::npos) << "an event stream must not wait for more";
}

// The kernel moves large bodies, and whoever moves exactly as many octets as there are does not see that no more follow.
TEST(ResponseBody, OfAnySizeLeavesTheBackendsConnectionFitForAnotherRequest) {
  FakeBackend app = FakeBackend::answering(200, std::string(1 << 20, 'm'));
  WeirProcess weir(kPlain, {{"app", app.address()}}, {.workers = 1});
  HttpClient client = weir.client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.get("/").body.size(), std::size_t{1} << 20);
  EXPECT_EQ(app.connection_count(), 1u);
}

TEST(ResponseBody, FollowedByStrayOctetsIsTheLastOfItsConnection) {
  const std::string body(1 << 20, 'm');
  FakeBackend app = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body +
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray");
  });
  WeirProcess weir(kPlain, {{"app", app.address()}}, {.workers = 1});
  HttpClient client = weir.client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.get("/").body.size(), body.size());
  EXPECT_EQ(app.connection_count(), 5u);
}

}  // namespace
}  // namespace weir::test
