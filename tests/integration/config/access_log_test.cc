// access_log and log_format with nginx's variables.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <regex>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern));
}

TEST(AccessLog, WritesTheCombinedFormatByDefault) {
  FakeBackend app = FakeBackend::answering(200, "12345");
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  weir.get("/path?q=1", {{"User-Agent", "agent/1"}, {"Referer", "http://from.example/"}});
  ASSERT_TRUE(weir.accesses("\n"));
  EXPECT_TRUE(matches(
      weir.access_log(),
      R"(^127\.0\.0\.1 - - \[\d\d/\w\w\w/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /path\?q=1 HTTP/1\.1" 200 5 "http://from\.example/" "agent/1"\n$)"))
      << weir.access_log();
}

TEST(AccessLog, HasTheLineBeforeTheClientSeesTheConnectionEnd) {
  WeirProcess weir("log_format brief $uri; server { access_log %dir%/access.log brief; location / { return 200 ok; } }");
  for (int i = 0; i < 30; ++i) {
    const std::string uri = "/" + std::to_string(i);
    RawClient client = weir.connect();
    client.send("GET " + uri + " HTTP/1.0\r\n\r\n");
    client.read_to_end();
    EXPECT_TRUE(weir.access_log().ends_with(uri + "\n")) << uri;
    // What closes after what the client may still be sending, too.
    RawClient bad = weir.connect();
    bad.send("GET /bad HTTP/1.1\r\n\r\nmore");
    bad.read_to_end();
    EXPECT_FALSE(weir.access_log().ends_with(uri + "\n")) << uri;
  }
}

TEST(AccessLog, KnowsTheVariablesOfARequestAndItsBackend) {
  FakeBackend app = FakeBackend::answering({.status = 201, .body = "12345", .fields = {{"X-App", "from app"}}});
  WeirProcess weir(R"(
      log_format all 'addr=$remote_addr host=$host server=$server_name port=$server_port method=$request_method '
                     'uri=$uri request_uri=$request_uri args=$args is_args=$is_args q=$arg_q status=$status '
                     'body=$body_bytes_sent sent=$bytes_sent length=$request_length cl=$content_length '
                     'up=$upstream_addr upstatus=$upstream_status uplen=$upstream_response_length '
                     'out=$sent_http_x_app in=$http_x_in cookie=$cookie_c proto=$server_protocol scheme=$scheme '
                     'requests=$connection_requests pipe=$pipe completion=$request_completion nothing=$http_nothing '
                     'pid=$pid time=$request_time uptime=$upstream_response_time msec=$msec iso=$time_iso8601 id=$request_id';
      server {
        server_name shop.example;
        access_log %dir%/all.log all;
        location / { proxy_pass http://%app%; }
      })",
                   {{"app", app.address()}});
  const HttpResponse response =
      weir.request({.method = "POST",
                    .target = "/a%20b?q=v&r=w",
                    .fields = {{"Host", "shop.example:99"}, {"X-In", "i"}, {"Cookie", "b=1; c=2"}},
                    .body = "body"});
  ASSERT_EQ(response.status, 201);
  ASSERT_TRUE(wait_until([&] { return weir.dir().read("all.log").ends_with("\n"); }));
  const std::string log = weir.dir().read("all.log");
  const std::string port = weir.address().substr(weir.address().find(':') + 1);
  for (const std::string& part :
       {std::string("addr=127.0.0.1 host=shop.example server=shop.example port=" + port + " method=POST "),
        std::string("uri=/a b request_uri=/a%20b?q=v&r=w args=q=v&r=w is_args=? q=v status=201 body=5 "),
        std::string("cl=4 up=" + app.address() +
                    " upstatus=201 uplen=5 out=from app in=i cookie=2 proto=HTTP/1.1 scheme=http "),
        std::string("requests=1 pipe=. completion=OK nothing=- ")})
    EXPECT_NE(log.find(part), std::string::npos) << part << "\nis not in\n" << log;
  EXPECT_TRUE(matches(log, R"(sent=\d{3} length=\d{3} )")) << log;
  EXPECT_TRUE(
      matches(log, R"(time=\d+\.\d{3} uptime=\d+\.\d{3} msec=\d+\.\d{3} iso=\d{4}-\d\d-\d\dT\S+ id=[0-9a-f]{32}\n)"))
      << log;
  EXPECT_EQ(weir.access_log(), "") << "an inner access_log replaces the outer one";
}

TEST(AccessLog, IsSwitchedOffAndWrittenTwiceAsConfigured) {
  WeirProcess weir(R"(
      log_format short '$uri';
      server {
        location /off { access_log off; return 200 x; }
        location /twice { access_log %dir%/one.log short; access_log %dir%/two.log short; return 200 x; }
        location /if { access_log %dir%/if.log short if=$arg_log; return 200 x; }
        location / { return 200 x; }
      })");
  HttpClient client = weir.client();
  client.get("/off");
  client.get("/twice");
  client.get("/if");
  client.get("/if?log=0");
  client.get("/if?log=1");
  client.get("/last");
  weir.stop();
  EXPECT_TRUE(weir.accesses("GET /last "));
  EXPECT_EQ(weir.access_log().find("/off"), std::string::npos);
  EXPECT_EQ(weir.dir().read("one.log"), "/twice\n");
  EXPECT_EQ(weir.dir().read("two.log"), "/twice\n");
  EXPECT_EQ(weir.dir().read("if.log"), "/if\n");
}

TEST(AccessLog, WritesWhatABufferHoldsWhenTheFileIsNotNamedAnyMore) {
  WeirProcess weir("server { access_log %dir%/old.log combined buffer=64k; location / { return 200 x; } }");
  weir.get("/held");
  EXPECT_EQ(weir.dir().read("old.log"), "");
  weir.reload("server { access_log %dir%/new.log combined buffer=64k; location / { return 200 x; } }");
  EXPECT_TRUE(wait_until([&] { return weir.dir().read("old.log").find("GET /held ") != std::string::npos; }));
}

TEST(AccessLog, EscapesWhatCouldForgeALine) {
  WeirProcess weir(R"(
      log_format plain '[$http_x_evil]';
      log_format json escape=json '{"v":"$http_x_evil"}';
      log_format none escape=none '[$http_x_evil]';
      server {
        access_log %dir%/plain.log plain;
        access_log %dir%/json.log json;
        access_log %dir%/none.log none;
        location / { return 200 x; }
      })");
  weir.get("/", {{"X-Evil", "a\"b\\c\td\xc3\xa9"}});
  weir.stop();
  EXPECT_EQ(weir.dir().read("plain.log"), "[a\\x22b\\x5Cc\\x09d\\xC3\\xA9]\n");
  EXPECT_EQ(weir.dir().read("json.log"), "{\"v\":\"a\\\"b\\\\c\\td\xc3\xa9\"}\n");
  EXPECT_EQ(weir.dir().read("none.log"), "[a\"b\\c\td\xc3\xa9]\n");
}

TEST(AccessLog, NamesEveryBackendThatWasTried) {
  Port dead;
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      log_format tries '$upstream_addr $upstream_status';
      upstream group { server %dead% max_fails=0; server %app% backup; }
      server { access_log %dir%/tries.log tries; location / { proxy_pass http://group; } })",
                   {{"dead", dead.address()}, {"app", app.address()}});
  EXPECT_EQ(weir.get("/").status, 200);
  ASSERT_TRUE(wait_until([&] { return weir.dir().read("tries.log").ends_with("\n"); }));
  EXPECT_EQ(weir.dir().read("tries.log"), dead.address() + ", " + app.address() + " 502, 200\n");
}

TEST(AccessLog, LogsRequestsThatWereNeverUnderstood) {
  WeirProcess weir("server { location / { return 200 x; } }");
  RawClient client = weir.connect();
  client.send("complete nonsense\r\n\r\n");
  client.closed_within();
  EXPECT_TRUE(weir.accesses(" 400 "));
}

TEST(AccessLog, IsReopenedOnSigusr1) {
  WeirProcess weir("server { location / { return 200 x; } }");
  weir.get("/before");
  ASSERT_TRUE(weir.accesses("/before"));
  std::filesystem::rename(weir.dir().path() / "access.log", weir.dir().path() / "access.log.1");
  std::filesystem::rename(weir.dir().path() / "error.log", weir.dir().path() / "error.log.1");
  weir.signal(SIGUSR1);
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(weir.dir().path() / "access.log"); }));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(weir.dir().path() / "error.log"); }));
  EXPECT_TRUE(wait_until([&] {
    weir.get("/after");
    return weir.access_log().find("/after") != std::string::npos;
  }));
  EXPECT_NE(weir.dir().read("access.log.1").find("/before"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
