// The client's connection: kept, pipelined, closed when it should be.
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kPlain = "server { location / { proxy_pass http://%app%; } }";

TEST(ClientConnection, ServesManyRequestsInTurn) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(client.get("/" + std::to_string(i)).text(), "echo GET /" + std::to_string(i));
  EXPECT_EQ(client.connections(), 1);
}

TEST(ClientConnection, ServesPipelinedRequestsInOrder) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  std::string wire;
  for (int i = 0; i < 50; ++i) {
    const std::string id = std::to_string(i);
    if (i % 3 == 0)
      wire +=
          to_wire({.method = "POST", .target = "/" + id, .body = std::string(static_cast<std::size_t>(i) * 40, 'b')});
    if (i % 3 == 1) wire += to_wire({.method = "PUT", .target = "/" + id, .body = "chunked " + id, .chunked = true});
    if (i % 3 == 2) wire += to_wire({.target = "/" + id});
  }
  RawClient client = weir.connect();
  ASSERT_EQ(client.send(wire), IoStatus::Ok);
  for (int i = 0; i < 50; ++i) {
    const char* const method = i % 3 == 0 ? "POST" : i % 3 == 1 ? "PUT" : "GET";
    EXPECT_EQ(client.read_response().text(), std::string("echo ") + method + " /" + std::to_string(i));
  }
}

TEST(ClientConnection, TakesRequestsCutAnywhere) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  const std::string wire = to_wire({.method = "POST", .target = "/cut", .body = "body", .chunked = true});
  RawClient client = weir.connect();
  for (std::size_t at = 1; at < wire.size(); ++at) {
    ASSERT_EQ(client.send(wire.substr(0, at)), IoStatus::Ok);
    std::this_thread::sleep_for(
        std::chrono::microseconds(300));  // lets the pieces arrive apart; nothing depends on it
    ASSERT_EQ(client.send(wire.substr(at)), IoStatus::Ok);
    ASSERT_EQ(client.read_response().text(), "echo POST /cut") << "cut at " << at;
  }
}

TEST(ClientConnection, SkipsEmptyLinesBeforeARequest) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask("\r\n" + to_wire({.target = "/1"})).text(), "echo GET /1");
  EXPECT_EQ(client.ask("\r\n" + to_wire({.target = "/2"})).text(), "echo GET /2");
}

TEST(ClientConnection, ClosesWhenAsked) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client = weir.connect();
  const HttpResponse response = client.ask(to_wire({.fields = {{"Connection", "close"}}}));
  EXPECT_TRUE(equal_ignoring_case(response.field("Connection"), "close"));
  EXPECT_TRUE(client.closed_within());
}

std::uint32_t segments_received(RawClient& client) {
  tcp_info info{};
  socklen_t length = sizeof info;
  EXPECT_EQ(getsockopt(client.socket().fd(), IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  return info.tcpi_segs_in;
}

TEST(ClientConnection, EndsInOnePacketWithTheAnswerToTheLastRequest) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir("server { location / { proxy_pass http://%app%; } location /here { return 200 here; } }",
                   {{"app", app.address()}});
  for (const char* target : {"/", "/here"}) {
    RawClient staying = weir.connect();
    ASSERT_EQ(staying.ask(to_wire({.target = target})).status, 200);
    RawClient leaving = weir.connect();
    ASSERT_EQ(leaving.ask(to_wire({.target = target, .fields = {{"Connection", "close"}}})).status, 200);
    ASSERT_EQ(leaving.read_to_end().end, IoStatus::Closed);
    EXPECT_EQ(segments_received(leaving), segments_received(staying)) << target;
  }
}

TEST(ClientConnection, EndsAfterAllOfALongAnswerToTheLastRequest) {
  const std::string body(3'000'000, 'b');
  FakeBackend app = FakeBackend::answering(200, body);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client(weir.address(), 4096);
  client.send(to_wire({.fields = {{"Connection", "close"}}}));
  EXPECT_TRUE(client.read_response().text() == body);
  EXPECT_EQ(client.read_to_end().end, IoStatus::Closed);
}

TEST(ClientConnection, TheLastAnswerArrivesWhateverTheClientSendsMeanwhile) {
  for (const bool says_close : {true, false}) {
    std::atomic<bool> may_answer = false;
    FakeBackend app = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
      wait_until([&] { return may_answer.load(); });
      connection.answer({.body = "the answer"});
    });
    WeirProcess weir("keepalive_requests 1; server { location / { proxy_pass http://%app%; } }",
                     {{"app", app.address()}});
    RawClient client = weir.connect();
    client.send(to_wire({.fields = says_close ? Fields{{"Connection", "close"}} : Fields{}}));
    ASSERT_TRUE(wait_until([&] { return app.request_count() == 1; }));
    client.send(to_wire({.target = "/too-late"}));
    may_answer = true;
    ASSERT_TRUE(weir.accesses("GET / "));  // both have come, and nothing of the answer was read yet
    const RawClient::Rest rest = client.read_to_end();
    EXPECT_TRUE(rest.bytes.ends_with("the answer")) << rest.bytes;
    EXPECT_EQ(rest.end, IoStatus::Closed) << "says close: " << says_close;
    EXPECT_EQ(app.request_count(), 1u);
  }
}

TEST(ClientConnection, TheBackendsCloseIsNotTheClients) {
  FakeBackend app = FakeBackend::answering({.body = "x", .close = true});
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.get("/").text(), "x");
  EXPECT_EQ(client.connections(), 1);
}

TEST(ClientConnection, EndsAfterKeepaliveRequests) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir("keepalive_requests 3; server { location / { proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  for (int i = 0; i < 3; ++i) {
    const HttpResponse response = client.ask(to_wire({}));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(equal_ignoring_case(response.field("Connection"), "close"), i == 2);
  }
  EXPECT_TRUE(client.closed_within());
}

TEST(ClientConnection, EndsWhenIdleForKeepaliveTimeout) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(R"(
      server { listen %listen%; keepalive_timeout 1s; location / { proxy_pass http://%app%; } }
      server { listen %listen_never%; keepalive_timeout 0; location / { proxy_pass http://%app%; } }
      server { listen %listen_long%; keepalive_timeout 60s 20s; location / { proxy_pass http://%app%; } })",
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask(to_wire({})).status, 200);
  const Stopwatch watch;
  EXPECT_TRUE(client.closed_within());
  EXPECT_GE(watch.elapsed(), milliseconds(700));
  EXPECT_LE(watch.elapsed(), milliseconds(5'000));

  RawClient never(weir.address("listen_never"));
  EXPECT_TRUE(equal_ignoring_case(never.ask(to_wire({})).field("Connection"), "close"));
  EXPECT_TRUE(never.closed_within(milliseconds(2'000)));

  RawClient longer(weir.address("listen_long"));
  EXPECT_EQ(longer.ask(to_wire({})).field("Keep-Alive"), "timeout=20");
  EXPECT_TRUE(longer.quiet_for(milliseconds(300)));
}

TEST(ClientConnection, ALeavingClientEndsItsRequestAtTheBackend) {
  FakeBackend app = FakeBackend::silent();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return app.request_count() == 1; }));
  client.close();
  EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; })) << "the backend works for nobody";
  EXPECT_TRUE(weir.accesses(" 499 "));
}

TEST(ClientConnection, AClientThatResetsMidAnswerHarmsNobody) {
  PatternBytes pattern(8 << 20);
  const std::string body = pattern.whole();
  FakeBackend app = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.body = body}, request.method);
  });
  WeirProcess weir(kPlain, {{"app", app.address()}});
  for (int i = 0; i < 10; ++i) {
    RawClient client(weir.address(), 4'096);
    client.send(to_wire({}));
    client.read_response_head();
    client.reset();
  }
  EXPECT_TRUE(wait_until([&] { return app.request_count() == 10; }));
  EXPECT_EQ(weir.get("/").body.hash(), pattern.hash());
}

TEST(ClientConnection, AClientThatHasSaidAllStillHearsItsAnswer) {
  WeirProcess weir("server { location / { return 200 said; } }");
  RawClient client = weir.connect();
  client.send(to_wire({}) + to_wire({}));
  client.shutdown_send();
  EXPECT_EQ(client.read_response().text(), "said");
  EXPECT_EQ(client.read_response().text(), "said");
  EXPECT_TRUE(client.closed_within());
}

TEST(ClientConnection, SilentConnectionsCostNothingToOthers) {
  FakeBackend app = FakeBackend::echoing();
  WeirProcess weir(kPlain, {{"app", app.address()}});
  std::vector<RawClient> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(weir.connect());
  for (int i = 0; i < 100; ++i) {
    silent.push_back(weir.connect());
    silent.back().send("GET / HTTP/1.1\r\nHost: x\r\nX-Unfinished: ");
  }
  HttpClient client = weir.client();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.get("/").status, 200);
  for (std::size_t i = 0; i < silent.size(); i += 2) silent[i].close();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.get("/").status, 200);
}

/// How many descriptors each of the process's epoll sets watches, of those with more than a few: its workers' sets.
std::vector<int> watched_by_workers(pid_t pid) {
  std::vector<int> counts;
  const std::string folder = "/proc/" + std::to_string(pid);
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/fdinfo")) {
    std::ifstream info(entry.path());
    int count = 0;
    for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:");
    if (count > 20) counts.push_back(count);
  }
  return counts;
}

TEST(ClientConnection, ManyAreSpreadEvenlyOverTheWorkers) {
  WEIR_ONLY("nginx has a process for each worker");
  allow_many_descriptors();
  WeirProcess weir("server { location / { return 200 ok; } }", {}, {.events = "worker_connections 2048;"});
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(weir.connect());
  const auto all = [&] {
    const std::vector<int> counts = watched_by_workers(weir.pid());
    return std::accumulate(counts.begin(), counts.end(), 0);
  };
  ASSERT_TRUE(wait_until([&] { return all() >= 1000; })) << all();
  const std::vector<int> counts = watched_by_workers(weir.pid());
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 1.2 * all() / 2);
}

}  // namespace
}  // namespace weir::test
