// Balancing methods through the real proxy, and beside the real nginx: the same configuration, the same mapping.
#include <gtest/gtest.h>

#include <weir/balancer/upstream.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <set>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

namespace lb = weir::balancer;

constexpr const char* kNginx = "/usr/sbin/nginx";

/// The real nginx, whatever is being tested.
class NginxProcess {
 public:
  NginxProcess(std::string_view text, Values values) {
    const char* before = std::getenv("WEIR_BINARY");
    const std::string kept = before ? before : "";
    ::setenv("WEIR_BINARY", kNginx, 1);
    process_ = std::make_unique<WeirProcess>(text, std::move(values), WeirOptions{.workers = 1});
    before ? ::setenv("WEIR_BINARY", kept.c_str(), 1) : ::unsetenv("WEIR_BINARY");
  }
  WeirProcess& operator*() { return *process_; }

 private:
  std::unique_ptr<WeirProcess> process_;
};


struct Group {
  std::vector<FakeBackend> backends;
  std::vector<std::uint32_t> weights{1, 3, 2, 1, 5};

  Group() {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      backends.push_back(FakeBackend::echoing(std::string(1, static_cast<char>('a' + i))));
    }
  }
  /// `down`: this one is.
  std::string servers(std::size_t down = 99) const {
    std::string lines;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      lines += "server " + backends[i].address() + " weight=" + std::to_string(weights[i]) + (i == down ? " down;" : ";");
    }
    return lines;
  }
  std::vector<lb::Member> members(std::size_t down = 99) const {
    std::vector<lb::Member> list;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      list.push_back({.address = backends[i].address(), .weight = weights[i], .down = i == down});
    }
    return list;
  }
  std::string name_of(const std::string& address) const {
    for (std::size_t i = 0; i < backends.size(); ++i) {
      if (backends[i].address() == address) return std::string(1, static_cast<char>('a' + i));
    }
    return "-";
  }
};

/// Where the library sends each key.
std::string library_picks(const Group& group, std::size_t down, std::string_view method,
                          const std::vector<std::string>& keys) {
  const auto upstream = std::make_shared<lb::Upstream>("test", *lb::find_picker(method));
  upstream->update(group.members(down));
  lb::UpstreamReader reader(upstream);
  std::string names;
  for (const std::string& key : keys) {
    names += group.name_of(reader.acquire({.now = lb::Clock::now(), .key = key})->backend().address());
  }
  return names;
}

std::string mapping(WeirProcess& proxy, const std::string& path, int keys) {
  HttpClient client = proxy.client();
  std::string names;
  for (int i = 0; i < keys; ++i) names += client.get(path + "?k=key-" + std::to_string(i)).field("X-Backend");
  return names;
}

constexpr int kKeys = 300;

std::vector<std::string> keys() {
  std::vector<std::string> all;
  for (int i = 0; i < kKeys; ++i) all.push_back("key-" + std::to_string(i));
  return all;
}

TEST(HashMethods, MapAsNginxDoes) {
  const Group group;
  for (const std::size_t down : {std::size_t{99}, std::size_t{4}}) {
    const std::string text = "upstream plain { hash $arg_k; " + group.servers(down) + " }" +
                             "upstream ring { hash $arg_k consistent; " + group.servers(down) + " }" +
                             "server { location /plain { proxy_pass http://plain; }"
                             "         location /ring { proxy_pass http://ring; } }";
    NginxProcess nginx(text, {});
    WeirProcess weir(text, {}, {.workers = 1});
    for (const char* path : {"/plain", "/ring"}) {
      const std::string expected = mapping(*nginx, path, kKeys);
      ASSERT_GE(std::set<char>(expected.begin(), expected.end()).size(), 4U);
      EXPECT_EQ(mapping(weir, path, kKeys), expected) << path << " down: " << down;
      EXPECT_EQ(library_picks(group, down, path == std::string("/plain") ? "hash" : "hash consistent", keys()), expected);
    }
  }
}

TEST(HashMethods, MapAddressesAsNginxDoes) {
  const Group group;
  NginxProcess nginx("upstream group { ip_hash; " + group.servers() + " } set_real_ip_from 127.0.0.0/8;" +
                         "server { location / { proxy_pass http://group; } }", {});
  HttpClient client = (*nginx).client();
  std::string expected;
  std::vector<std::string> addresses;
  for (int i = 0; i < 200; ++i) {
    const int a = 10 + i, b = i * 7 % 256, c = i * 13 % 256;
    expected += client.get("/", {{"X-Real-IP", std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c) + ".9"}})
                    .field("X-Backend");
    addresses.push_back({static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)});
  }
  EXPECT_EQ(library_picks(group, 99, "ip_hash", addresses), expected);
}

TEST(IpHash, SendsOneClientToOneBackend) {
  const Group group;
  WeirProcess weir("upstream group { ip_hash; " + group.servers() + " } server { location / { proxy_pass http://group; } }");
  const std::string first = weir.get("/").field("X-Backend");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), first);
}

std::string cookie_of(const HttpResponse& response) {
  const std::string line(response.field("Set-Cookie"));
  return line.substr(0, line.find(';'));
}

TEST(Sticky, CookieBringsTheClientBack) {
  WEIR_ONLY("Debian's nginx is too old for it");
  const Group group;
  WeirProcess weir("upstream group { least_conn; sticky cookie srv expires=1h path=/ httponly; " + group.servers() +
                   " } server { location / { proxy_pass http://group; } }");
  std::map<std::string, std::string> backend_of;
  for (int i = 0; i < 24; ++i) {
    const HttpResponse response = weir.get("/");
    const std::string cookie = cookie_of(response);
    ASSERT_EQ(cookie.size(), 4 + 32U) << cookie;
    const auto [known, is_new] = backend_of.try_emplace(cookie, response.field("X-Backend"));
    EXPECT_EQ(known->second, response.field("X-Backend"));
    EXPECT_NE(response.field("Set-Cookie").find("; max-age=3600; httponly; path=/"), std::string::npos);
  }
  EXPECT_EQ(backend_of.size(), 5U);
  for (const auto& [cookie, backend] : backend_of) {
    EXPECT_EQ(weir.get("/", {{"Cookie", "x=1; " + cookie}}).field("X-Backend"), backend);
  }
  EXPECT_EQ(weir.get("/", {{"Cookie", "srv=garbage"}}).status, 200);
}

TEST(Sticky, LearnsFromAnswersAndRequests) {
  WEIR_ONLY("Debian's nginx is too old for it");
  const Group group;
  WeirProcess weir("upstream group { sticky learn zone=sessions:1m header create=$cookie_sid lookup=$cookie_sid; " +
                   group.servers() + " } server { location / { proxy_pass http://group; } }");
  for (const char* session : {"one", "two", "three"}) {
    const Fields cookie{{"Cookie", std::string("sid=") + session}};
    const std::string first = weir.get("/", cookie).field("X-Backend");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(weir.get("/", cookie).field("X-Backend"), first) << session;
  }
}

TEST(Sticky, TheRequestNamesTheRoute) {
  WEIR_ONLY("Debian's nginx is too old for it");
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  WeirProcess weir(R"(
      upstream group { server %a% route=one; server %b% route=two; server %c% route=three drain;
                       sticky route $cookie_route $arg_route; }
      server { location / { proxy_pass http://group; } })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}});
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(weir.get("/?route=two").field("X-Backend"), "b");
    EXPECT_EQ(weir.get("/?route=two", {{"Cookie", "route=one"}}).field("X-Backend"), "a");
    EXPECT_EQ(weir.get("/?route=three").field("X-Backend"), "c");
    EXPECT_NE(weir.get("/?route=none").field("X-Backend"), "c");
  }
}

TEST(Zones, ArePreferredUntilTheyAreLoadedMore) {
  WEIR_ONLY("nginx knows no zones of servers");
  std::atomic<bool> hold{true};
  std::atomic<int> near_held{0}, far_held{0};
  const auto backend = [&hold](const std::string& name, std::atomic<int>& held) {
    return FakeBackend::handling([&hold, &held, name](BackendConnection& connection, const HttpRequest& request) {
      held += request.target == "/held";
      while (request.target == "/held" && hold && connection.pause(milliseconds(5))) {
      }
      connection.answer({.body = name}, request.method);
    });
  };
  FakeBackend near = backend("near", near_held), far = backend("far", far_held);
  WeirProcess weir(R"(
      upstream group { least_conn; local_zone here; server %far% zone=there; server %near% zone=here; }
      server { location / { proxy_pass http://group; proxy_read_timeout 30s; } })",
                   {{"near", near.address()}, {"far", far.address()}});
  // On one connection a request begins when the one before has ended, also in the proxy's counters.
  HttpClient one = weir.client();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(one.get("/").text(), "near");
  std::vector<RawClient> clients;
  for (int i = 1; i <= 6; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({.target = "/held"}));
    ASSERT_TRUE(wait_until([&] { return near_held + far_held == i; }));
  }
  // Half as much again is allowed. That makes four and two; a request that was answered may still have counted as one.
  EXPECT_GE(near_held, 3);
  EXPECT_GE(far_held, 1);
  hold = false;
  for (RawClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST(Queue, WaitsItsTurnAndRefusesWhenFull) {
  WEIR_ONLY("open source nginx has no queue");
  std::atomic<int> active{0}, most{0}, permits{0};
  FakeBackend backend = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
    const int now = ++active;
    if (now > most) most = now;
    for (int have = permits;;) {
      if (have > 0 && permits.compare_exchange_weak(have, have - 1)) break;
      if (have <= 0) {
        if (!connection.pause(milliseconds(5))) break;
        have = permits;
      }
    }
    --active;
    connection.answer({.body = "done"});
  });
  WeirProcess weir("upstream group { server %b% max_conns=1; queue 2 timeout=20s; }"
                   "server { location / { proxy_pass http://group; } }", {{"b", backend.address()}});
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({.target = "/" + std::to_string(i)}));
    ASSERT_TRUE(i != 0 || wait_until([&] { return active == 1; }));
  }
  // One is served and two wait; the other one, whichever came last, is refused.
  const auto is_answered = [](RawClient& client) { return !client.quiet_for(milliseconds(0)); };
  ASSERT_TRUE(wait_until([&] { return std::ranges::any_of(clients, is_answered); }));
  const auto refused = std::ranges::find_if(clients, is_answered);
  const HttpResponse answer = refused->read_response();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("Retry-After"), "1");
  permits = 100;
  for (RawClient& client : clients)
    EXPECT_TRUE(&client == &*refused || client.read_response().text() == "done");
  EXPECT_EQ(most, 1);
  EXPECT_EQ(weir.get("/after").status, 200);
}

TEST(Queue, ServesAllOfManyClientsOnSeveralWorkers) {
  WEIR_ONLY("open source nginx has no queue");
  constexpr int kClients = 24, kRequests = 40;
  FakeBackend backend = FakeBackend::answering(200, "done");
  WeirProcess weir("upstream group { server %b% max_conns=2; queue 30 timeout=20s; keepalive 4; }"
                   "server { location / { proxy_pass http://group; } }", {{"b", backend.address()}}, {.workers = 2});
  std::vector<RawClient> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(weir.connect());
  for (int round = 0; round < kRequests; ++round) {
    for (RawClient& client : clients) client.send(to_wire({}));
    for (RawClient& client : clients) ASSERT_EQ(client.read_response().status, 200) << round;
  }
}

TEST(Queue, SendsThoseWhoWaitToABackendWhoseRestIsOver) {
  WEIR_ONLY("open source nginx has no queue");
  FakeBackend busy = FakeBackend::silent();
  std::atomic<bool> works{false};
  FakeBackend failing = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
    works.exchange(true) ? (void)connection.answer({.body = "works again"}) : connection.close();
  });
  WeirProcess weir("upstream group { server %busy% max_conns=1; server %failing% fail_timeout=500ms; queue 5; }"
                   "server { location / { proxy_pass http://group; proxy_next_upstream off; } }",
                   {{"busy", busy.address()}, {"failing", failing.address()}});
  RawClient holder = weir.connect();
  holder.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return busy.request_count() == 1; }));
  EXPECT_EQ(weir.get("/").status, 502);
  // One backend is full and the other rests: nothing but time makes room.
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({}));
  }
  for (RawClient& client : clients) EXPECT_EQ(client.read_response().text(), "works again");
}

TEST(Queue, KeepsNoSessionOfADrainingBackendWaitingBehindOthers) {
  WEIR_ONLY("open source nginx has no queue");
  std::atomic<bool> goes_on{false};
  FakeBackend old = FakeBackend::handling([&](BackendConnection& connection, const HttpRequest&) {
    while (!goes_on && connection.pause(milliseconds(5))) {
    }
    connection.answer({.body = "old"});
  });
  WeirProcess weir("upstream group { server %old% route=old drain max_conns=2; sticky route $arg_session; queue 9; }"
                   "server { location / { proxy_pass http://group; } location = /status { weir_status; } }",
                   {{"old", old.address()}});
  RawClient other = weir.connect();
  other.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return weir.get("/status").text().find("\"queued\":1") != std::string::npos; }));
  // Two find room although somebody waits for another backend, and two wait for it.
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({.target = "/?session=old"}));
  }
  ASSERT_TRUE(wait_until([&] { return weir.get("/status").text().find("\"queued\":3") != std::string::npos; }));
  goes_on = true;
  for (RawClient& client : clients) EXPECT_EQ(client.read_response().text(), "old");
  EXPECT_TRUE(other.quiet_for(milliseconds(0)));
}

TEST(Queue, GivesUpWhenTheTimeIsOver) {
  WEIR_ONLY("open source nginx has no queue");
  FakeBackend backend = FakeBackend::silent();
  WeirProcess weir("upstream group { server %b% max_conns=1; queue 5 timeout=100ms; }"
                   "server { location / { proxy_pass http://group; } }", {{"b", backend.address()}});
  RawClient holder = weir.connect();
  holder.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return backend.connection_count() == 1; }));
  EXPECT_EQ(weir.get("/").status, 503);
  EXPECT_TRUE(weir.logs("upstreams were full for too long"));
}

TEST(Errors, ABackendThatAnswers503AtOnceGetsLittle) {
  WEIR_ONLY("nginx gives it most");
  FakeBackend broken = FakeBackend::answering(503, "broken");
  FakeBackend a = FakeBackend::echoing("a", milliseconds(30)), b = FakeBackend::echoing("b", milliseconds(30));
  WeirProcess weir("upstream group { least_conn; server %x%; server %a%; server %b%; }"
                   "server { location / { proxy_pass http://group; } }",
                   {{"x", broken.address()}, {"a", a.address()}, {"b", b.address()}});
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(weir.connect());
  int bad = 0;
  for (int round = 0; round < 30; ++round) {
    for (RawClient& client : clients) client.send(to_wire({}));
    for (RawClient& client : clients) bad += client.read_response().status == 503;
  }
  EXPECT_LT(bad, 60);  // of 240; an even share were 80
  EXPECT_GT(bad, 0);
}

TEST(Methods, AreRefusedWhenTheyCannotBe) {
  const auto refused = [](const std::string& lines) {
    return test_config("events {} http { upstream u { " + lines + " server 127.0.0.1:1; } }").output;
  };
  WEIR_ONLY("its wording differs in places");
  EXPECT_NE(refused("random three;").find("invalid parameter \"three\""), std::string::npos);
  EXPECT_NE(refused("hash $uri consistent unbounded;").find("invalid parameter \"unbounded\""), std::string::npos);
  EXPECT_NE(refused("least_time sometime;").find("invalid parameter \"sometime\""), std::string::npos);
  EXPECT_NE(refused("hash $uri; server 127.0.0.1:2 slow_start=3s;").find("does not support parameter"), std::string::npos);
  EXPECT_NE(refused("queue 0;").find("invalid queue size"), std::string::npos);
  EXPECT_NE(refused("sticky cookie x samesite=no;").find("invalid \"samesite\" parameter value"), std::string::npos);
  EXPECT_NE(refused("sticky learn create=$uri lookup=$uri;").find("\"zone\" parameter is not specified"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
