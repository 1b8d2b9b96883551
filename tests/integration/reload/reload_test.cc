// A new configuration while traffic runs.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// Waits until every worker answers by the new configuration: twenty new connections in a row do.
template <class Condition>
bool settles(Condition&& condition) {
  return wait_until([&] {
    for (int i = 0; i < 20; ++i)
      if (!condition()) return false;
    return true;
  });
}

TEST(Reload, NewRequestsFollowTheNewConfiguration) {
  FakeBackend one = FakeBackend::echoing("one"), two = FakeBackend::echoing("two");
  WeirProcess weir("server { location / { proxy_pass http://%one%; } }",
                   {{"one", one.address()}, {"two", two.address()}});
  EXPECT_EQ(weir.get("/").field("X-Backend"), "one");
  weir.reload("server { location / { proxy_pass http://%two%; add_header X-New yes; } }");
  EXPECT_TRUE(settles([&] { return weir.get("/").field("X-Backend") == "two"; }));
  EXPECT_EQ(weir.get("/").field("X-New"), "yes");
  EXPECT_TRUE(weir.logs("generation 1 of the configuration is not used any more"));
  one.forget();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), "two");
  EXPECT_EQ(one.request_count(), 0u);
}

TEST(Reload, IdleConnectionsStayAndSeeTheNewConfiguration) {
  WEIR_ONLY("nginx closes idle connections");
  WeirProcess weir("server { location / { return 200 one; } }");
  HttpClient client = weir.client(), other = weir.client();
  EXPECT_EQ(client.get("/").text(), "one");
  EXPECT_EQ(other.get("/").text(), "one");
  weir.reload("server { location / { return 200 two; } }");
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "two"; }));
  EXPECT_TRUE(weir.logs("generation 1 of the configuration is not used any more"));
  EXPECT_TRUE(wait_until([&] { return client.get("/").text() == "two"; }));
  EXPECT_EQ(other.get("/").text(), "two");
  EXPECT_EQ(client.connections(), 1);
  EXPECT_EQ(other.connections(), 1);
}

TEST(Reload, WhatStaysUnderTheOldConfigurationEndsAfterWorkerShutdownTimeout) {
  FakeBackend silent = FakeBackend::silent();
  WeirProcess weir("server { location / { return 200 ok; } location /app { proxy_pass http://%silent%; } }",
                   {{"silent", silent.address()}}, {.main = "worker_shutdown_timeout 100ms;"});
  RawClient idle = weir.connect(), busy = weir.connect();
  EXPECT_EQ(idle.ask(to_wire({})).text(), "ok");
  busy.send(to_wire({.target = "/app"}));
  ASSERT_TRUE(wait_until([&] { return silent.request_count() == 1; }));
  weir.signal(SIGHUP);
  EXPECT_TRUE(idle.closed_within());
  EXPECT_TRUE(busy.closed_within());
  EXPECT_TRUE(wait_until([&] { return silent.open_connections() == 0; })) << "nobody waits for this answer any more";
  EXPECT_EQ(weir.get("/").text(), "ok");
}

TEST(Reload, NothingOutlivesWorkerShutdownTimeoutBecauseItsClientIsNotListenedTo) {
  WEIR_ONLY("it says when a configuration is not used any more");
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_request(request)) return;
    if (request.has("Upgrade"))
      connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: own\r\nConnection: Upgrade\r\n\r\n");
    connection.pause(std::chrono::minutes(5));  // also if the client has said all
  });
  WeirProcess weir(R"(
      server {
        location / { return 200 ok; }
        location /patient { proxy_pass http://%app%; proxy_ignore_client_abort on; }
        location /tunnel {
          proxy_pass http://%app%; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }
      })",
                   {{"app", app.address()}}, {.main = "worker_shutdown_timeout 100ms;"});
  RawClient patient = weir.connect(), tunnel = weir.connect();
  patient.send(to_wire({.target = "/patient"}));
  const Fields upgrade{{"Connection", "upgrade"}, {"Upgrade", "own"}};
  tunnel.send(to_wire({.target = "/tunnel", .fields = upgrade}));
  EXPECT_EQ(tunnel.read_response_head().status, 101);
  tunnel.shutdown_send();
  ASSERT_TRUE(wait_until([&] { return app.request_count() == 2; }));
  weir.signal(SIGHUP);
  EXPECT_TRUE(patient.closed_within());
  EXPECT_TRUE(tunnel.closed_within());
  EXPECT_TRUE(weir.logs("generation 1 of the configuration is not used any more"));
  EXPECT_EQ(weir.get("/").text(), "ok");
}

TEST(Reload, ARequestInProgressEndsUnderTheOldConfiguration) {
  FakeBackend slow = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    if (connection.pause(milliseconds(700))) connection.send("def");
  });
  WeirProcess weir(
      "server { location / { proxy_pass http://%slow%; proxy_buffering off; add_header X-Version old; } }",
      {{"slow", slow.address()}});
  RawClient client = weir.connect();
  client.send(to_wire({}));
  HttpResponse response = client.read_response_head();
  weir.reload("server { location / { return 200 new; } }");
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "new"; }));
  client.read_response_body(response);
  EXPECT_EQ(response.field("X-Version"), "old");
  EXPECT_EQ(response.text(), "abcdef");
  EXPECT_TRUE(response.complete);
}

TEST(Reload, ATunnelOutlivesIt) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    if (!connection.read_request(request)) return;
    if (!request.has("Upgrade")) {
      connection.answer({.close = true});
      return;
    }
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: own\r\nConnection: Upgrade\r\n\r\n");
    for (std::string bytes; connection.socket().receive(bytes) == IoStatus::Ok; bytes.clear()) connection.send(bytes);
  });
  const std::string location =
      "proxy_pass http://%app%; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
      "Connection upgrade;";
  WeirProcess weir("server { location / { " + location + " } }", {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send(to_wire({.fields = {{"Connection", "Upgrade"}, {"Upgrade", "own"}}}));
  ASSERT_EQ(client.read_response().status, 101);
  weir.reload("server { location / { return 200 new; } }");
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "new"; }));
  for (const std::string word : {"still", "here"}) {
    client.send(word);
    EXPECT_EQ(client.read_bytes(word.size()), word);
  }
}

TEST(Reload, ABadConfigurationIsRefusedAndTheOldOneServes) {
  WeirProcess weir("server { location / { return 200 old; } }");
  weir.allow_alerts();
  weir.reload("server { location / { return 200 new; } nonsense on; }");
  EXPECT_TRUE(weir.logs("unknown directive \"nonsense\" in " + (weir.dir().path() / "weir.conf").string()));
  HttpClient client = weir.client();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/").text(), "old");
  weir.reload("server { location / { return 200 repaired; } }");
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "repaired"; }));
}

TEST(Reload, AnAddressThatCannotBeHadRefusesTheWholeConfiguration) {
  Port taken;
  const Socket holder = Socket::listen(taken.address());
  WeirProcess weir("server { location / { return 200 old; } }", {{"taken", taken.address()}});
  weir.allow_alerts();
  weir.reload("server { location / { return 200 new; } } server { listen %taken%; location / { return 200 x; } }");
  EXPECT_TRUE(weir.logs("bind() to " + taken.address() + " failed (98: Address already in use)"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").text(), "old");
}

TEST(Reload, UnderLoadLosesNothing) {
  FakeBackend one = FakeBackend::echoing("one"), two = FakeBackend::echoing("two"),
              three = FakeBackend::echoing("three");
  const auto text = [](int version) {
    return "keepalive_requests 1000000; upstream group { " + std::string(version % 2 ? "least_conn; " : "") +
           "server %one%; server %two%; " + (version % 3 == 0 ? "server %three%; " : "") +
           "} server { location / { proxy_pass http://group; add_header X-Version v" + std::to_string(version) +
           "; } }";
  };
  WeirProcess weir(text(0), {{"one", one.address()}, {"two", two.address()}, {"three", three.address()}});
  LoadGenerator load(weir.address(), {.threads = 6});
  for (int version = 1; version <= 10; ++version) {
    ASSERT_TRUE(load.wait_for(50));
    weir.reload(text(version));
    EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-Version") == "v" + std::to_string(version); }));
  }
  const LoadResult result = load.finish();
  EXPECT_EQ(result.crossed, 0u) << result.summary();
  if (testing_nginx()) return;  // it closes idle connections, and a request may cross the close
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.connections, 6) << "no connection is closed by a reload";
}

TEST(Reload, AnEmptyFileTakesNoListenerAway) {
  WEIR_ONLY("nginx refuses it for want of an events section, which Weir does not need");
  WeirProcess weir("server { location / { return 200 v0; } }");
  weir.allow_alerts();
  weir.dir().write("weir.conf", "");
  weir.signal(SIGHUP);
  EXPECT_TRUE(weir.logs("no \"http\" or \"stream\" section"));
  EXPECT_EQ(weir.get("/").text(), "v0");
}

TEST(Reload, AStormOfSignalsLeavesOneServing) {
  WeirProcess weir("server { location / { return 200 v0; } }");
  for (int i = 1; i <= 20; ++i) {
    weir.reload("server { location / { return 200 v" + std::to_string(i) + "; } }");
    std::this_thread::sleep_for(milliseconds(2));  // the storm's pace; nothing depends on it
  }
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "v20"; }));
  EXPECT_TRUE(weir.running());
}

TEST(Reload, ListenersComeAndGo) {
  WeirProcess weir(R"(
      server { listen %listen%; location / { return 200 first; } }
      server { listen %listen_old%; location / { return 200 old; } }
      server { listen unix:%dir%/kept.sock; location / { return 200 unix; } })");
  HttpClient old(weir.address("listen_old"));
  EXPECT_EQ(old.get("/").text(), "old");
  weir.reload(R"(
      server { listen %listen%; location / { return 200 first-again; } }
      server { listen %listen_new%; location / { return 200 new; } }
      server { listen unix:%dir%/kept.sock; location / { return 200 unix-again; } })");
  EXPECT_TRUE(settles([&] { return weir.get("/").text() == "first-again"; }));
  EXPECT_EQ(HttpClient(weir.address("listen_new")).get("/").text(), "new");
  EXPECT_EQ(HttpClient("unix:" + (weir.dir().path() / "kept.sock").string()).get("/").text(), "unix-again");
  EXPECT_TRUE(wait_until([&] {
    try {
      HttpClient(weir.address("listen_old")).get("/");
      return false;
    } catch (const SocketError&) {
      return true;
    }
  })) << "the removed address still accepts";
}

TEST(Reload, ThePidFileGoesWhereTheNewConfigurationSays) {
  const auto text = [](const std::string& pid, const std::string& listen) {
    return "daemon off;\npid %dir%/" + pid + ";\nerror_log %dir%/error.log info;\nevents { }\nhttp {\n" +
           "access_log off;\nserver { listen %listen%; location / { return 200 " + pid + "; } " + listen + " } }\n";
  };
  WeirProcess weir(text("weir.pid", ""), {}, {.whole_file = true});
  const std::string number = weir.dir().read("weir.pid");

  weir.reload(text("second.pid", ""));
  ASSERT_TRUE(settles([&] { return weir.get("/").text() == "second.pid"; }));
  EXPECT_EQ(weir.dir().read("second.pid"), number);
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(weir.dir().path() / "weir.pid"); }));
  std::vector<std::string> control = weir.arguments();
  control.insert(control.end(), {"-s", "reopen"});
  EXPECT_EQ(run_weir({control.begin() + 1, control.end()}).exit_code, 0);
  EXPECT_TRUE(weir.logs("reopening logs"));

  weir.allow_alerts();
  weir.reload(text("third.pid", "listen 192.0.2.1:1;"));  // an address that cannot be had
  ASSERT_TRUE(weir.logs("192.0.2.1:1"));
  weir.reload(text("no/such/folder.pid", ""));
  ASSERT_TRUE(weir.logs("no/such/folder.pid"));
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(weir.dir().path() / "third.pid"); }));
  EXPECT_EQ(weir.get("/").text(), "second.pid");
  EXPECT_EQ(weir.dir().read("second.pid"), number);
}

TEST(Reload, BackendsThatStayKeepTheirFailures) {
  WEIR_ONLY("nginx forgets them");
  Port dead;
  FakeBackend good = FakeBackend::echoing("good");
  const std::string group = "upstream group { server %dead% fail_timeout=60s; server %good%; } ";
  WeirProcess weir(group + "server { location / { proxy_pass http://group; add_header X-V 1; } }",
                   {{"dead", dead.address()}, {"good", good.address()}}, {.workers = 1});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(weir.get("/").status, 200);
  const auto failures = [&] {
    const std::string log = weir.error_log();
    int count = 0;
    for (auto at = log.find("111: Connection refused"); at != log.npos;
         at = log.find("111: Connection refused", at + 1))
      ++count;
    return count;
  };
  EXPECT_EQ(failures(), 1);
  weir.reload(group + "server { location / { proxy_pass http://group; add_header X-V 2; } }");
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-V") == "2"; }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").status, 200);
  EXPECT_EQ(failures(), 1) << "a reload is no reason to try a dead backend again";
}

}  // namespace
}  // namespace weir::test
