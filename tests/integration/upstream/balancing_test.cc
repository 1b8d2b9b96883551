// Which backend a request goes to.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// A backend that answers only when told, so that a test decides how many requests are active where.
class HoldingBackend {
 public:
  HoldingBackend()
      : backend_(FakeBackend::handling([this](BackendConnection& connection, const HttpRequest&) {
          ++active_;
          while (!take_permit() && connection.pause(milliseconds(5))) continue;
          --active_;
          connection.answer({.body = "held"});
        })) {}
  const std::string& address() const { return backend_.address(); }
  int active() const { return active_; }
  std::size_t connections() const { return backend_.open_connections(); }
  void release(int count) { permits_ += count; }

 private:
  bool take_permit() {
    int have = permits_;
    while (have > 0)
      if (permits_.compare_exchange_weak(have, have - 1)) return true;
    return false;
  }
  std::atomic<int> active_{0}, permits_{0};
  FakeBackend backend_;
};

/// Clients that have each sent a request and wait.
std::vector<RawClient> ask_and_wait(WeirProcess& weir, int count, int already, const std::function<int()>& active) {
  std::vector<RawClient> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({}));
    EXPECT_TRUE(wait_until([&] { return active() == already + i + 1; }));
  }
  return clients;
}

std::string sequence(WeirProcess& weir, int count) {
  HttpClient client = weir.client();
  std::string names;
  for (int i = 0; i < count; ++i) names += client.get("/").field("X-Backend");
  return names;
}

TEST(RoundRobin, TakesTurns) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  WeirProcess weir(R"(
      upstream group { server %a%; server %b%; server %c%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}}, {.workers = 1});
  EXPECT_EQ(sequence(weir, 9), "abcabcabc");
}

TEST(RoundRobin, IsSmoothWithWeights) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  WeirProcess weir(R"(
      upstream group { server %a% weight=5; server %b%; server %c%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}}, {.workers = 1});
  EXPECT_EQ(sequence(weir, 14), "aabacaaaabacaa");
}

TEST(RoundRobin, LeavesOutWhatIsDownOrBackup) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c"),
              d = FakeBackend::echoing("d");
  WeirProcess weir(R"(
      upstream group { server %a%; server %b% down; server %c%; server %d% backup; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}, {"d", d.address()}}, {.workers = 1});
  EXPECT_EQ(sequence(weir, 6), "acacac");
}

TEST(LeastConn, EvensOutActiveRequestsOverAllWorkers) {
  HoldingBackend a, b, c;
  WeirProcess weir(R"(
      upstream group { least_conn; server %a%; server %b%; server %c%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}},
                   {.workers = testing_nginx() ? 1 : 4});
  const auto active = [&] { return a.active() + b.active() + c.active(); };
  auto clients = ask_and_wait(weir, 12, 0, active);
  EXPECT_EQ(a.active(), 4);
  EXPECT_EQ(b.active(), 4);
  EXPECT_EQ(c.active(), 4);
  // Three requests of one backend end; the next three requests are its.
  b.release(3);
  EXPECT_TRUE(wait_until([&] { return b.active() == 1; }));
  int answered = 0;
  EXPECT_TRUE(wait_until([&] {
    answered = static_cast<int>(
        std::ranges::count_if(clients, [](RawClient& client) { return !client.quiet_for(milliseconds(0)); }));
    return answered == 3;
  }));
  auto more = ask_and_wait(weir, 3, 9, active);
  EXPECT_EQ(b.active(), 4);
  a.release(100);
  b.release(100);
  c.release(100);
  for (auto& client : clients) EXPECT_EQ(client.read_response().text(), "held");
  for (auto& client : more) EXPECT_EQ(client.read_response().text(), "held");
}

TEST(LeastConn, CountsInProportionToWeight) {
  HoldingBackend a, b;
  WeirProcess weir(R"(
      upstream group { least_conn; server %a% weight=2; server %b%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}}, {.workers = testing_nginx() ? 1 : 2});
  auto clients = ask_and_wait(weir, 9, 0, [&] { return a.active() + b.active(); });
  EXPECT_EQ(a.active(), 6);
  EXPECT_EQ(b.active(), 3);
  a.release(100);
  b.release(100);
  for (auto& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST(LeastConn, TakesTurnsWhenAllAreIdle) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  WeirProcess weir(R"(
      upstream group { least_conn; server %a%; server %b%; server %c%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}}, {.workers = 1});
  const std::string names = sequence(weir, 30);
  for (const char name : {'a', 'b', 'c'}) EXPECT_EQ(std::ranges::count(names, name), 10) << names;
}

TEST(LeastConn, CountsTunnelsAndCutAnswersToo) {
  HoldingBackend a, b;
  WeirProcess weir(R"(
      upstream group { least_conn; server %a%; server %b%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}}, {.workers = 1});
  const auto active = [&] { return a.active() + b.active(); };
  // Clients that leave give their claims back: afterwards the counts are even again.
  { auto leaving = ask_and_wait(weir, 5, 0, active); }
  EXPECT_TRUE(wait_until([&] { return active() == 0; }));
  auto clients = ask_and_wait(weir, 6, 0, active);
  EXPECT_EQ(a.active(), 3);
  EXPECT_EQ(b.active(), 3);
  a.release(100);
  b.release(100);
  for (auto& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST(MaxConns, IsNeverExceeded) {
  HoldingBackend a, b;
  WeirProcess weir(R"(
      upstream group { zone z 64k; server %a% max_conns=2; server %b% max_conns=1; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}}, {.workers = 2});
  auto clients = ask_and_wait(weir, 3, 0, [&] { return a.active() + b.active(); });
  EXPECT_EQ(a.active(), 2);
  EXPECT_EQ(b.active(), 1);
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_TRUE(weir.logs("no live upstreams while connecting to upstream"));
  b.release(1);
  EXPECT_TRUE(wait_until([&] { return b.active() == 0; }));
  a.release(100);
  b.release(100);
  for (auto& client : clients) EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(weir.get("/").status, 200);
}

constexpr const char* kKeepalive = R"(
    upstream group { server %a%; keepalive 2; }
    server { location / { proxy_pass http://group; proxy_http_version 1.1; proxy_set_header Connection ""; } })";

TEST(BackendKeepalive, ReusesConnections) {
  FakeBackend a = FakeBackend::echoing("a");
  WeirProcess weir(kKeepalive, {{"a", a.address()}}, {.workers = 1});
  EXPECT_EQ(sequence(weir, 50), std::string(50, 'a'));
  EXPECT_EQ(a.connection_count(), 1u);
  HttpClient client = weir.client();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(client.request({.method = i % 2 ? "POST" : "HEAD", .body = i % 2 ? "body" : ""}).status, 200);
  EXPECT_EQ(a.connection_count(), 1u);
}

TEST(BackendKeepalive, IsOnByDefault) {
  WEIR_ONLY("this nginx is older than 1.29.7");
  FakeBackend a = FakeBackend::echoing("a");
  WeirProcess weir(R"(
      upstream group { server %a%; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}}, {.workers = 1});
  EXPECT_EQ(sequence(weir, 50), std::string(50, 'a'));
  EXPECT_EQ(a.connection_count(), 1u);
}

TEST(BackendKeepalive, KeepsNoMoreIdleOnesThanConfigured) {
  HoldingBackend a;
  WeirProcess weir(kKeepalive, {{"a", a.address()}}, {.workers = 1});
  auto clients = ask_and_wait(weir, 6, 0, [&] { return a.active(); });
  EXPECT_EQ(a.connections(), 6u);
  a.release(6);
  for (auto& client : clients) EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(wait_until([&] { return a.connections() <= 2; }));
  EXPECT_EQ(a.connections(), 2u);
}

TEST(BackendKeepalive, AClosedIdleConnectionCostsNoRequest) {
  FakeBackend a = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.body = "x"}, request.method);
    connection.close();  // without having said so
  });
  WeirProcess weir(kKeepalive, {{"a", a.address()}}, {.workers = 1});
  HttpClient client = weir.client();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.get("/").status, 200);
}

TEST(BackendKeepalive, AStaleConnectionIsReplacedForAGetAndNeverForAPost) {
  // Answers the first request of a connection; takes the second and closes.
  FakeBackend a = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (connection.read_request(request)) connection.answer({.body = "x"}, request.method);
    connection.read_request(request);
  });
  WeirProcess weir(kKeepalive, {{"a", a.address()}}, {.workers = 1});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").status, 200);
  const std::size_t before = a.request_count();
  EXPECT_EQ(weir.request({.method = "POST", .body = "once"}).status, 502);
  EXPECT_EQ(a.request_count(), before + 1) << "a POST must not run twice";
}

}  // namespace
}  // namespace weir::test
