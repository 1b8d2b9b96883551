// Ending: fast and graceful.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "support/fake_backend.h"
#include "support/fake_name_server.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

TEST(Signals, QuitLetsRequestsEndAndClosesIdleConnections) {
  FakeBackend slow = FakeBackend::echoing("slow", milliseconds(800));
  WeirProcess weir(R"(
      server {
        location / { proxy_pass http://%slow%; }
        location /own { return 200 own; }
      })",
                   {{"slow", slow.address()}});
  RawClient idle = weir.connect();
  EXPECT_EQ(idle.ask(to_wire({.target = "/own"})).status, 200);
  RawClient busy = weir.connect();
  busy.send(to_wire({.target = "/busy"}));
  ASSERT_TRUE(wait_until([&] { return slow.request_count() == 1; }));
  const Stopwatch watch;
  weir.signal(SIGQUIT);
  EXPECT_TRUE(idle.closed_within(milliseconds(600)));
  EXPECT_TRUE(wait_until([&] {
    try {
      weir.connect();
      return false;
    } catch (const SocketError&) {
      return true;
    }
  })) << "still accepts";
  const HttpResponse response = busy.read_response();
  EXPECT_EQ(response.text(), "slow GET /busy");
  EXPECT_TRUE(busy.closed_within());
  EXPECT_EQ(weir.wait_for_exit(), 0);
  EXPECT_FALSE(std::filesystem::exists(weir.dir().path() / "weir.pid"));
}

TEST(Signals, QuitLosesNothingOfAnAnswerThatAnotherRequestFollowed) {
  const std::string body(1'000'000, 'b');
  FakeBackend app = FakeBackend::answering(200, body);
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  RawClient client(weir.address(), 4096);
  client.send(to_wire({}));
  HttpResponse response = client.read_response_head();
  ASSERT_TRUE(equal_ignoring_case(response.field("Connection"), "keep-alive"));
  weir.signal(SIGQUIT);
  ASSERT_TRUE(weir.logs("QUIT) received"));
  client.send(to_wire({.target = "/too-late"}));
  client.read_response_body(response);
  EXPECT_TRUE(response.text() == body);
  EXPECT_EQ(client.read_to_end().end, IoStatus::Closed);
  client.close();
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

TEST(Signals, TermAndIntEndAtOnce) {
  for (const int signal : {SIGTERM, SIGINT}) {
    FakeBackend silent = FakeBackend::silent();
    WeirProcess weir("server { location / { proxy_pass http://%silent%; } }", {{"silent", silent.address()}});
    RawClient busy = weir.connect();
    busy.send(to_wire({}));
    ASSERT_TRUE(wait_until([&] { return silent.request_count() == 1; }));
    const Stopwatch watch;
    weir.signal(signal);
    EXPECT_EQ(weir.wait_for_exit(), 0);
    EXPECT_LT(watch.elapsed(), milliseconds(3'000));
    EXPECT_TRUE(busy.closed_within());
    EXPECT_FALSE(std::filesystem::exists(weir.dir().path() / "weir.pid"));
  }
}

TEST(Signals, TermEndsRequestsThatWaitForSomethingElseThanABackend) {
  WEIR_ONLY("open source nginx has no queue");
  FakeBackend silent = FakeBackend::silent();
  FakeNameServer names;
  names.set("silent.test", {.silent = true});
  WeirProcess weir(R"(
      resolver %names%;
      upstream full { server %silent% max_conns=1; queue 10 timeout=60s; }
      limit_req_zone $server_name zone=one:1m rate=1r/m;
      server {
        location /queue { proxy_pass http://full; }
        location /queue/stays { proxy_pass http://full; proxy_ignore_client_abort on; }
        location /name { proxy_pass http://silent.test$uri; }
        location /name/stays { proxy_pass http://silent.test$uri; proxy_ignore_client_abort on; }
        location /late { limit_req zone=one burst=10; proxy_pass http://full; }
        location = /status { weir_status; }
        location /denied { auth_delay 60s; auth_basic x; auth_basic_user_file %dir%/users; }
      })",
                   {{"silent", silent.address()}, {"names", names.address()}});
  std::vector<RawClient> clients;
  for (const char* target : {"/queue", "/queue", "/queue/stays", "/name", "/name/stays", "/late", "/late", "/denied"}) {
    clients.push_back(weir.connect());
    clients.back().send(to_wire({.target = target}));
    // One after the other, so that it is known what each of them waits for.
    ASSERT_TRUE(wait_until([&] {
      const std::string status = weir.get("/status").text();
      return status.find("\"writing\":" + std::to_string(clients.size() + 1)) != status.npos;
    })) << target << weir.get("/status").text();
  }
  weir.signal(SIGTERM);
  EXPECT_EQ(weir.wait_for_exit(), 0);
  for (RawClient& client : clients) EXPECT_TRUE(client.closed_within());
}

TEST(Signals, ThoseThatAskForWhatIsNotThereEndNothing) {
  WEIR_ONLY("nginx starts a new binary, and ends its workers");
  WeirProcess weir("server { location / { return 200 x; } }");
  for (const int signal : {SIGUSR2, SIGWINCH}) {
    weir.signal(signal);
    EXPECT_TRUE(weir.logs("signal " + std::to_string(signal))) << signal;
  }
  EXPECT_EQ(weir.get("/").status, 200);
}

TEST(Signals, ThePidFileNamesTheProcess) {
  WeirProcess weir("server { location / { return 200 x; } }");
  EXPECT_EQ(weir.dir().read("weir.pid"), std::to_string(weir.pid()) + "\n");
}

TEST(Signals, AccessesAreLoggedBeforeTheEnd) {
  WeirProcess weir("server { location / { return 200 x; } }");
  HttpClient client = weir.client();
  for (int i = 0; i < 100; ++i) client.get("/" + std::to_string(i));
  weir.signal(SIGQUIT);
  EXPECT_EQ(weir.wait_for_exit(), 0);
  const std::string log = weir.access_log();
  for (int i = 0; i < 100; ++i) EXPECT_NE(log.find("GET /" + std::to_string(i) + " "), std::string::npos) << i;
}

TEST(Signals, AFullDiskOrMissingLogFolderDoesNotStopTheService) {
  WeirProcess weir("access_log /dev/full; server { location / { return 200 x; } }");
  weir.allow_alerts();
  HttpClient client = weir.client();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.get("/").status, 200);
}

TEST(Signals, AStartWithTooFewDescriptorsEndsWithItsReason) {
  WEIR_ONLY("nginx's workers are processes");
  const Port port;
  const TempDir dir("descriptors");
  dir.write("weir.conf", "worker_processes 4; events { } http { server { listen " + port.address() + "; } }\n");
  dir.write("output", "");
  int served = 0, refused = 0;
  for (int limit = 6; limit <= 40; ++limit) {
    const std::string log = "error.log" + std::to_string(limit);
    ChildProcess weir({weir_binary(), "-p", dir.path().string() + "/", "-c", "weir.conf", "-g",
                       "daemon off; pid weir.pid; error_log " + log + " notice; worker_rlimit_nofile " +
                           std::to_string(limit) + ";"},
                      (dir.path() / "output").string());
    ASSERT_TRUE(wait_until([&] { return !weir.running() || dir.read(log).find(" started: ") != std::string::npos; })) << limit;
    if (weir.running()) {
      ++served;
      weir.signal(SIGTERM);
      EXPECT_EQ(weir.wait(), 0) << limit;
    } else {
      ++refused;
      EXPECT_EQ(weir.wait(), 1) << limit << weir.output();
    }
  }
  EXPECT_GT(served, 0);
  EXPECT_GT(refused, 0);
  EXPECT_NE(dir.read("output").find("[emerg]"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
