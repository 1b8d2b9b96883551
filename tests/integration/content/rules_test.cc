// Rules about requests and answers: access, methods, fields, redirections, rates, logs.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "support/raw_client.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

TEST(Access, TheFirstRuleThatFitsDecides) {
  WeirProcess weir(R"(
      server {
        location /no { deny 127.0.0.0/8; allow all; return 200; }
        location /only { root %dir%; deny all; }
        location /yes { root %dir%; allow 127.0.0.1; deny all; }
        location /six { root %dir%; allow 2001:db8::/32; deny all; }
      })");
  // `return` belongs to the rewriting, which comes before access.
  EXPECT_EQ(weir.get("/no").status, 200);
  EXPECT_EQ(weir.get("/only").status, 403);
  EXPECT_EQ(weir.get("/yes").status, 404);
  EXPECT_EQ(weir.get("/six").status, 403);
  EXPECT_TRUE(weir.logs("access forbidden by rule"));
}

TEST(LimitExcept, ItsSettingsAreForTheOtherMethods) {
  WeirProcess weir("server { location / { root %dir%; limit_except GET { deny all; } } }");
  EXPECT_EQ(weir.get("/x").status, 404);
  EXPECT_EQ(weir.request({.method = "HEAD", .target = "/x"}).status, 404);
  EXPECT_EQ(weir.request({.method = "POST", .target = "/x", .body = "b"}).status, 403);
  EXPECT_EQ(weir.request({.method = "DELETE", .target = "/x"}).status, 403);
}

TEST(Map, WhatItsPatternsCaptureIsForOtherDirectivesToo) {
  WeirProcess weir(R"(
      map $uri $language { default none; ~^/(?<code>[a-z][a-z])/(\w+) found; }
      map $arg_k $later { k $earlier; }
      map $arg_k $earlier { k v; }
      server { location / { return 200 "$language $code $2 $later"; } })");
  EXPECT_EQ(weir.get("/de/page?k=k").text(), "found de page v");
  EXPECT_EQ(weir.get("/page").text(), "none   ");
}

TEST(Rewrite, ReturnWithoutATextHasAnEmptyBody) {
  WeirProcess weir("server { location / { return 200; } location /e { return 404; } }");
  EXPECT_EQ(weir.get("/").text(), "");
  EXPECT_NE(weir.get("/e").text().find("404 Not Found"), std::string::npos);
}

TEST(Rewrite, RedirectsEscapeWhatAUrlMayNotHold) {
  WeirProcess weir(R"(
      server {
        absolute_redirect off;
        location /capture { rewrite ^/capture/(.*)$ /to/$1 redirect; }
        location /query { rewrite ^/query/(.*)$ /to?q=$1 redirect; }
        location /uri { rewrite ^ /to$uri redirect; }
      })");
  EXPECT_EQ(weir.get("/capture/a%20b").field("Location"), "/to/a%20b");
  EXPECT_EQ(weir.get("/query/a%26b%20c").field("Location"), "/to?q=a%26b%20c");
  const HttpResponse split = weir.get("/uri%0d%0aX-Evil:%201");
  EXPECT_FALSE(split.fields.has("X-Evil"));
  EXPECT_EQ(split.field("Location"), "/to/uri%0D%0AX-Evil:%201");
}

TEST(Rewrite, AnInternalRedirectRunsTheServersRulesAgain) {
  WeirProcess weir(R"(
      server {
        set $turns "${turns}x";
        error_page 404 /page;
        location / { return 404; }
        location /page { internal; return 200 "$turns"; }
      })");
  EXPECT_EQ(weir.get("/").text(), "xx");
  EXPECT_EQ(weir.get("/page").text(), "xx");  // refused as internal, which is a 404 too
}

TEST(Rewrite, LeadsToInternalLocations) {
  WeirProcess weir(R"(
      server {
        location /open/ { rewrite ^/open/(.*)$ /inside/$1 last; }
        location /closed/ { rewrite ^/none/(.*)$ /inside/$1 last; return 200 "as it was"; }
        location /inside/ { internal; return 200 $uri; }
      })");
  EXPECT_EQ(weir.get("/open/x").text(), "/inside/x");
  EXPECT_EQ(weir.get("/closed/x").text(), "as it was");
  EXPECT_EQ(weir.get("/inside/x").status, 404);
}

TEST(ErrorPage, IsAskedForWithGet) {
  WeirProcess weir(R"(
      server {
        error_page 404 /page;
        error_page 403 @named;
        location / { return 404; }
        location /denied { return 403; }
        location /page { return 200 "$request_method $request"; }
        location @named { return 200 "$request_method"; }
      })");
  EXPECT_EQ(weir.request({.method = "POST", .target = "/x", .body = "b"}).text(), "GET POST /x HTTP/1.1");
  EXPECT_EQ(weir.request({.method = "POST", .target = "/denied", .body = "b"}).text(), "POST");
}

TEST(ErrorPage, KnowsTheStatusThatItIsSentWith) {
  WeirProcess weir(R"(
      server {
        location /named { error_page 404 @json; return 404; }
        location @json { return 200 "code $status"; }
        location /page { error_page 403 /pages/$status; return 403; }
        location /other { error_page 403 =410 /pages/x; return 403; }
        location /pages/ { internal; return 200 "$uri $status"; }
        location /plain { return 202 "$status"; }
      })");
  EXPECT_EQ(weir.get("/named").text(), "code 404");
  EXPECT_EQ(weir.get("/page").text(), "/pages/403 403");
  EXPECT_EQ(weir.get("/other").text(), "/pages/x 410");
  EXPECT_EQ(weir.get("/plain").text(), "202");
}

TEST(ErrorPage, WhereItHappenedDecidesWhetherAnotherMayFollow) {
  WeirProcess weir(R"(
      server {
        location /on { recursive_error_pages on; error_page 404 /second; return 404; }
        location /off { error_page 404 /second; return 404; }
        location /second { error_page 403 /third; return 403; }
        location /third { return 200 "third"; }
      })");
  EXPECT_EQ(weir.get("/on").text(), "third");
  EXPECT_NE(weir.get("/off").text().find("403 Forbidden"), std::string::npos);
}

TEST(ErrorPage, OneThatSendsTheClientElsewhereDoesSoWithItsOwnStatus) {
  WeirProcess weir(R"(
      server {
        absolute_redirect off; root %dir%;
        location /return { error_page 401 @login; return 401; }
        location @login { return 302 /login?from=$request_uri; }
        location /rewrite { error_page 404 =200 @moved; return 404; }
        location @moved { rewrite ^ /new permanent; }
        location /text { error_page 404 @text; return 404; }
        location @text { return 200 "text"; }
      })");
  const HttpResponse login = weir.get("/return");
  EXPECT_EQ(login.status, 302);
  EXPECT_EQ(login.field("Location"), "/login?from=/return");
  EXPECT_EQ(weir.get("/rewrite").status, 301);
  EXPECT_EQ(weir.get("/text").status, 404);
}

TEST(ErrorPage, AStatusWithoutABodyTakesItsBodyAway) {
  WeirProcess weir(R"(
      server {
        location /none { error_page 404 =204 /page; return 404; }
        location /page { return 200 "page"; }
      })");
  RawClient client(weir.address());
  client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /page HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpResponse none = client.read_response("GET");
  EXPECT_EQ(none.status, 204);
  EXPECT_FALSE(none.fields.has("Content-Type"));
  const HttpResponse next = client.read_response("GET");
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(next.text(), "page");
}

TEST(Rewrite, SetEscapesCapturesUntilARewriteMatches) {
  WeirProcess weir(R"(
      server {
        location ~ ^/location/(.*)$ { set $key $1; return 200 $key; }
        location /condition/ { if ($uri ~ "^/condition/(.*)$") { set $key <$1>; } return 200 $key; }
        location /rewritten/ { rewrite ^/rewritten/(.*)$ /x; set $key $1; return 200 $key; }
        location ~ ^/named/(?<rest>.*)$ { set $key $rest; return 200 $key; }
      })");
  EXPECT_EQ(weir.get("/location/a%3Fb%20%E2%82%AC").text(), "a%3Fb%20%E2%82%AC");
  EXPECT_EQ(weir.get("/location/plain?x").text(), "plain");
  EXPECT_EQ(weir.get("/condition/a%26b").text(), "<a%26b>");
  EXPECT_EQ(weir.get("/rewritten/a%26b").text(), "a&b");
  EXPECT_EQ(weir.get("/named/a%26b").text(), "a&b");
}

TEST(Headers, InheritanceCanBeMergedOrSwitchedOff) {
  WeirProcess weir(R"(
      add_header X-Outer outer always;
      server {
        location /replaced { add_header X-Inner inner; return 200; }
        location /merged { add_header_inherit merge; add_header X-Inner inner; return 200; }
        location /off { add_header_inherit off; return 200; }
        location /plain { return 404; }
      })");
  EXPECT_FALSE(weir.get("/replaced").fields.has("X-Outer"));
  const HttpResponse merged = weir.get("/merged");
  EXPECT_EQ(merged.field("X-Outer"), "outer");
  EXPECT_EQ(merged.field("X-Inner"), "inner");
  EXPECT_FALSE(weir.get("/off").fields.has("X-Outer"));
  EXPECT_EQ(weir.get("/plain").field("X-Outer"), "outer");
}

TEST(Headers, TrailersFollowAChunkedBody) {
  WeirProcess weir("server { add_trailer X-Sent $sent_http_content_type; location / { return 200 text; } }");
  RawClient client = weir.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_to_end().bytes;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n4\r\ntext\r\n0\r\nX-Sent: text/plain\r\n\r\n")) << answer;
  RawClient old = weir.connect();
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_to_end().bytes.ends_with("\r\n\r\ntext"));
}

TEST(Expires, SetsBothFields) {
  WeirProcess weir(R"(
      map $arg_e $life { default off; day 1d; }
      server {
        location /hour { expires 1h; return 200; }
        location /past { expires -1; return 200; }
        location /max { expires max; return 200; }
        location /var { expires $life; return 200; }
        location /error { expires 1h; return 404; }
      })");
  EXPECT_EQ(weir.get("/hour").field("Cache-Control"), "max-age=3600");
  EXPECT_EQ(weir.get("/past").field("Cache-Control"), "no-cache");
  EXPECT_EQ(weir.get("/max").field("Expires"), "Thu, 31 Dec 2037 23:55:55 GMT");
  EXPECT_EQ(weir.get("/var?e=day").field("Cache-Control"), "max-age=86400");
  EXPECT_FALSE(weir.get("/var").fields.has("Expires"));
  EXPECT_FALSE(weir.get("/error").fields.has("Expires"));
}

TEST(SplitClients, SharesAreKeptAndStable) {
  WeirProcess weir(R"(
      split_clients $arg_k $half { 50% a; * b; }
      server { location / { return 200 $half; } })");
  HttpClient client = weir.client();
  int first = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string target = "/?k=" + std::to_string(i);
    const std::string half = client.get(target).text();
    EXPECT_EQ(client.get(target).text(), half);
    first += half == "a";
  }
  EXPECT_GT(first, 60);
  EXPECT_LT(first, 140);
}

TEST(LimitRate, ABodyTakesItsTime) {
  WeirProcess weir(R"(
      server {
        root %dir%;
        location /slow { alias %dir%/body; limit_rate 20k; limit_rate_after 4k; }
        location /set { alias %dir%/body; set $limit_rate 20k; }
        location /fast { alias %dir%/body; limit_rate 0; }
      })");
  weir.dir().write("body", std::string(24'000, 'x'));
  const auto seconds = [&weir](const std::string& target) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(weir.get(target).text().size(), 24'000u);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  EXPECT_GT(seconds("/slow"), 0.5);
  EXPECT_GT(seconds("/set"), 0.7);
  EXPECT_LT(seconds("/fast"), 0.5);
}

TEST(AccessLog, PathsWithVariablesAndConditions) {
  WeirProcess weir(R"(
      log_format short "$uri $status";
      server {
        root %dir%;
        access_log %dir%/log_$arg_name short if=$arg_log;
        location / { return 200 ok; }
        location /cached { open_log_file_cache max=2 min_uses=1; access_log %dir%/cached_$arg_name short; return 200; }
      })");
  weir.get("/a?name=one&log=1");
  weir.get("/b?name=one&log=0");
  weir.get("/c?name=two&log=1");
  for (const char* name : {"x", "y", "x", "z"}) weir.get(std::string("/cached?name=") + name);
  weir.get("/a?name=../up&log=1");
  weir.stop();
  EXPECT_EQ(weir.dir().read("log_one"), "/a 200\n");
  EXPECT_EQ(weir.dir().read("log_two"), "/c 200\n");
  EXPECT_EQ(weir.dir().read("cached_x"), "/cached 200\n/cached 200\n");
  EXPECT_EQ(weir.dir().read("cached_z"), "/cached 200\n");
}

TEST(ErrorLog, AServerAndALocationMayHaveTheirOwn) {
  WeirProcess weir(R"(
      server {
        root %dir%;
        error_log %dir%/server.log;
        location /own { error_log %dir%/own.log; }
        location /quiet { log_not_found off; }
      })");
  weir.get("/missing-here");
  weir.get("/own/missing-there");
  weir.get("/quiet/missing-nowhere");
  weir.stop();
  EXPECT_NE(weir.dir().read("server.log").find("missing-here"), std::string::npos);
  EXPECT_NE(weir.dir().read("own.log").find("missing-there"), std::string::npos);
  EXPECT_EQ(weir.dir().read("server.log").find("missing-there"), std::string::npos);
  EXPECT_EQ(weir.dir().read("server.log").find("missing-nowhere"), std::string::npos);
  EXPECT_EQ(weir.error_log().find("missing"), std::string::npos);
}

TEST(KeepAlive, TheLastLocationsTimeoutHolds) {
  WeirProcess weir(R"(
      server {
        keepalive_timeout 50ms;
        location /long { keepalive_timeout 60s 9s; return 200; }
        location / { return 200; }
      })");
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask("GET /long HTTP/1.1\r\nHost: a\r\n\r\n").field("Keep-Alive"), "timeout=9");
  EXPECT_TRUE(client.quiet_for(milliseconds(300)));
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_TRUE(client.closed_within());
}

}  // namespace
}  // namespace weir::test
