// What happens when an attempt at a backend fails: proxy_next_upstream and its limits, max_fails, backups.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

using After = FakeBackend::After;

/// Takes each request whole and ends the connection without an answer.
FakeBackend closing() {
  return FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) { connection.close(); });
}

constexpr const char* kPair = R"(
    upstream group { server %bad% max_fails=0; server %good% backup; }
    server {
      location / { proxy_pass http://group; }
      location /off { proxy_pass http://group; proxy_next_upstream off; }
      location /status { proxy_pass http://group; proxy_next_upstream error http_500 http_503 http_404 http_429; }
      location /invalid { proxy_pass http://group; proxy_next_upstream error invalid_header; }
      location /posts { proxy_pass http://group; proxy_next_upstream error timeout non_idempotent; }
      location /timeout { proxy_pass http://group; proxy_read_timeout 500ms; }
      location /no-timeout { proxy_pass http://group; proxy_read_timeout 500ms; proxy_next_upstream error; }
    })";

TEST(NextUpstream, TriesAnotherBackendWhenOneRefuses) {
  Port dead;
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", dead.address()}, {"good", good.address()}});
  EXPECT_EQ(weir.get("/").status, 200);
  EXPECT_EQ(weir.request({.method = "POST", .body = "never sent to the first"}).status, 200);
  EXPECT_EQ(weir.get("/off").status, 502);
  EXPECT_TRUE(weir.logs("connect() failed (111: Connection refused) while connecting to upstream"));
}

TEST(NextUpstream, TriesAnotherBackendWhenOneClosesWithoutAnswer) {
  FakeBackend bad = closing();
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  EXPECT_EQ(weir.get("/").status, 200);
  EXPECT_EQ(weir.request({.method = "PUT", .body = "idempotent"}).status, 200);
  EXPECT_EQ(weir.request({.method = "DELETE"}).status, 200);
  EXPECT_EQ(weir.get("/off").status, 502);
  EXPECT_TRUE(weir.logs("upstream prematurely closed connection while reading response header from upstream"));
}

TEST(NextUpstream, NeverRepeatsWhatMayNotRunTwiceUnlessTold) {
  FakeBackend bad = closing();
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  for (const char* method : {"POST", "PATCH", "LOCK"}) {
    EXPECT_EQ(weir.request({.method = method, .body = "x"}).status, 502) << method;
    EXPECT_EQ(good.request_count(), 0u) << method;
  }
  EXPECT_EQ(weir.request({.method = "POST", .target = "/posts", .body = "x"}).status, 200);
  EXPECT_EQ(good.last_request().body.text(), "x");
}

TEST(NextUpstream, SendsTheBodyAgain) {
  FakeBackend bad = closing();
  FakeBackend good = FakeBackend::answering(200);
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  PatternBytes pattern(200'000);
  EXPECT_EQ(weir.request({.method = "PUT", .body = pattern.whole()}).status, 200);
  EXPECT_EQ(good.last_request().body.hash(), pattern.hash());
  EXPECT_EQ(weir.request({.method = "PUT", .body = pattern.whole(), .chunked = true}).status, 200);
  EXPECT_EQ(good.last_request().body.hash(), pattern.hash());
}

TEST(NextUpstream, FollowsStatusesOnlyWhereConfigured) {
  FakeBackend bad = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.status = std::stoi(request.field("X-Status")), .body = "bad"}, request.method);
  });
  FakeBackend good = FakeBackend::answering(200, "good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  for (const char* status : {"500", "503", "404", "429"}) {
    EXPECT_EQ(weir.get("/status", {{"X-Status", status}}).text(), "good") << status;
    EXPECT_EQ(weir.get("/", {{"X-Status", status}}).text(), "bad") << status;
  }
  EXPECT_EQ(weir.get("/status", {{"X-Status", "502"}}).text(), "bad");
  EXPECT_EQ(weir.get("/status", {{"X-Status", "403"}}).text(), "bad");
}

TEST(NextUpstream, PassesTheLastAnswerWhenAllAreBad) {
  FakeBackend one = FakeBackend::answering({.status = 503, .body = "first"});
  FakeBackend two = FakeBackend::answering({.status = 503, .body = "second"});
  WeirProcess weir(kPair, {{"bad", one.address()}, {"good", two.address()}});
  const HttpResponse response = weir.get("/status");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.text(), "second");
}

TEST(NextUpstream, FollowsTimeoutsOnlyWhereConfigured) {
  FakeBackend bad = FakeBackend::silent();
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  EXPECT_EQ(weir.get("/timeout").status, 200);
  EXPECT_EQ(weir.get("/no-timeout").status, 504);
}

TEST(NextUpstream, FollowsInvalidAnswersOnlyWhereConfigured) {
  FakeBackend bad = FakeBackend::sending(std::string("HTTP/1.1 200 OK\r\nBad\0Name: 1\r\n\r\nx", 33));
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(kPair, {{"bad", bad.address()}, {"good", good.address()}});
  EXPECT_EQ(weir.get("/invalid").status, 200);
  EXPECT_EQ(weir.get("/").status, 502);
}

TEST(NextUpstream, StopsAfterTriesAndAfterTimeout) {
  FakeBackend a = closing(), b = closing(), c = closing(), d = closing();
  FakeBackend e = FakeBackend::silent(), f = FakeBackend::silent(), g = FakeBackend::silent();
  WeirProcess weir(R"(
      upstream closing { server %a% max_fails=0; server %b% max_fails=0; server %c% max_fails=0; server %d% max_fails=0; }
      upstream silent { server %e% max_fails=0; server %f% max_fails=0; server %g% max_fails=0; }
      server {
        location /tries { proxy_pass http://closing; proxy_next_upstream_tries 2; }
        location /all { proxy_pass http://closing; }
        location /time { proxy_pass http://silent; proxy_read_timeout 600ms; proxy_next_upstream_timeout 1s; }
      })",
                   {{"a", a.address()},
                    {"b", b.address()},
                    {"c", c.address()},
                    {"d", d.address()},
                    {"e", e.address()},
                    {"f", f.address()},
                    {"g", g.address()}});
  const auto closed = [&] { return a.request_count() + b.request_count() + c.request_count() + d.request_count(); };
  EXPECT_EQ(weir.get("/tries").status, 502);
  EXPECT_EQ(closed(), 2u);
  EXPECT_EQ(weir.get("/all").status, 502);
  EXPECT_EQ(closed(), 6u) << "each backend once";
  EXPECT_EQ(weir.get("/time").status, 504);
  EXPECT_EQ(e.request_count() + f.request_count() + g.request_count(), 2u);
}

TEST(NextUpstream, DoesNotMixAnswers) {
  FakeBackend bad = FakeBackend::sending(
      "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(50'000, 'b'), After::Reset);
  FakeBackend good = FakeBackend::answering(200, "good");
  WeirProcess weir(R"(
      upstream group { server %bad% max_fails=0; server %good% backup; }
      server { location / { proxy_pass http://group; proxy_buffering off; } })",
                   {{"bad", bad.address()}, {"good", good.address()}});
  const HttpResponse response = weir.get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete) << "the client must see that the answer was cut";
  EXPECT_EQ(response.text().find("good"), std::string::npos);
}

TEST(PassiveHealth, ABackendIsLeftAloneAfterMaxFails) {
  for (const auto& [parameters, attempts] : {std::pair{"max_fails=1", 1u}, std::pair{"max_fails=3", 3u}}) {
    SCOPED_TRACE(parameters);
    FakeBackend bad = closing();
    FakeBackend good = FakeBackend::echoing("good");
    WeirProcess weir(R"(
        upstream group { server %bad% %parameters% fail_timeout=30s; server %good%; }
        server { location / { proxy_pass http://group; } })",
                     {{"bad", bad.address()}, {"good", good.address()}, {"parameters", parameters}}, {.workers = 1});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(weir.get("/").status, 200);
    EXPECT_EQ(bad.request_count(), attempts);
  }
}

TEST(PassiveHealth, MaxFailsZeroNeverGivesUp) {
  FakeBackend bad = closing();
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(R"(
      upstream group { server %bad% max_fails=0; server %good%; }
      server { location / { proxy_pass http://group; } })",
                   {{"bad", bad.address()}, {"good", good.address()}}, {.workers = 1});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(weir.get("/").status, 200);
  EXPECT_GE(bad.request_count(), 8u);
}

TEST(PassiveHealth, ABackendComesBackAfterFailTimeout) {
  FakeBackend flapping = FakeBackend::echoing("flapping");
  FakeBackend good = FakeBackend::echoing("good");
  WeirProcess weir(R"(
      upstream group { server %flapping% fail_timeout=1s; server %good%; }
      server { location / { proxy_pass http://group; } })",
                   {{"flapping", flapping.address()}, {"good", good.address()}}, {.workers = 1});
  flapping.stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), "good");
  flapping.start();
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-Backend") == "flapping"; }));
}

TEST(PassiveHealth, TheOnlyBackendIsNeverLeftAlone) {
  FakeBackend only = FakeBackend::echoing("only");
  WeirProcess weir(R"(
      upstream group { server %only% max_fails=1 fail_timeout=60s; }
      server { location / { proxy_pass http://group; } })",
                   {{"only", only.address()}}, {.workers = 1});
  only.stop();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(weir.get("/").status, 502);
  only.start();
  EXPECT_EQ(weir.get("/").status, 200);
}

TEST(PassiveHealth, NeverSays502WhileABackendIsUntried) {
  WEIR_ONLY("nginx says \"no live upstreams\" for fail_timeout");
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  WeirProcess weir(R"(
      upstream group { server %a% fail_timeout=60s; server %b% fail_timeout=60s; server %c% fail_timeout=60s; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}});
  for (FakeBackend* backend : {&a, &b, &c}) backend->stop();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(weir.get("/").status, 502);
  for (FakeBackend* backend : {&a, &b, &c}) backend->start();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(weir.get("/").status, 200);
}

TEST(Backup, ServesAtOnceWhenAllPrimariesAreDeadAndOnlyThen) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), spare = FakeBackend::echoing("spare");
  WeirProcess weir(R"(
      upstream group { server %a% fail_timeout=1s; server %b% fail_timeout=1s; server %spare% backup; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"spare", spare.address()}});
  for (int i = 0; i < 10; ++i) EXPECT_NE(weir.get("/").field("X-Backend"), "spare");
  a.stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), "b");
  b.stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), "spare");
  a.start();
  b.start();
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-Backend") != "spare"; }));
}

TEST(Backup, NobodyToAskIs502InTheNameOfTheGroup) {
  WeirProcess weir(R"(
      upstream group { server 127.0.0.1:1 down; server 127.0.0.1:2 backup down; }
      server {
        add_header X-Who "$upstream_addr $upstream_status" always;
        location / { proxy_pass http://group; }
      })");
  const HttpResponse answer = weir.get("/");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.field("X-Who"), "group 502");
  EXPECT_TRUE(weir.logs("no live upstreams while connecting to upstream"));
}

TEST(Backup, NothingLeftIs502WithTheReasonInTheErrorLog) {
  Port dead, deader;
  WeirProcess weir(R"(
      upstream group { server %dead%; server %deader% backup; }
      server { server_name shop.example; location / { proxy_pass http://group; } })",
                   {{"dead", dead.address()}, {"deader", deader.address()}});
  EXPECT_EQ(weir.get("/lost?x", {{"Host", "shop.example"}}).status, 502);
  ASSERT_TRUE(
      weir.logs("connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, "
                "server: shop.example, request: \"GET /lost?x HTTP/1.1\", upstream: \"http://" +
                dead.address() + "/lost?x\""));
  EXPECT_TRUE(weir.logs("[error]"));
}

}  // namespace
}  // namespace weir::test
