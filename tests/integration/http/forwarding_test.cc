// What a backend is told about a request, and what a client is told about the answer: heads, in both directions.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kPlain = "server { location / { proxy_pass http://%app%; } }";

TEST(Forwarding, PassesMethodTargetAndFieldsAsTheyCame) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  for (const std::string method : {"GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "X-OWN"}) {
    SCOPED_TRACE(method);
    EXPECT_EQ(
        weir.request({.method = method, .target = "/a%20b/?x=%2F&y", .fields = {{"Cookie", "a=b; c=d"}}}).status,
        200);
    EXPECT_EQ(app.last_request().method, method);
    EXPECT_EQ(app.last_request().target, "/a%20b/?x=%2F&y");
    EXPECT_EQ(app.last_request().field("Cookie"), "a=b; c=d");
  }
}

TEST(Forwarding, RedirectionsAreChangedByDefaultIfThatIsSaid) {
  FakeBackend app = FakeBackend::answering({.status = 302, .fields = {{"Location", "http://group/inner/x"}}});
  WeirProcess weir(R"(
      absolute_redirect off; proxy_redirect off;
      upstream group { server %app%; }
      server {
        location /off/ { proxy_pass http://group/inner/; }
        location /default/ { proxy_pass http://group/inner/; proxy_redirect default; }
      })",
                   {{"app", app.address()}});
  EXPECT_EQ(weir.get("/off/").field("Location"), "http://group/inner/x");
  EXPECT_EQ(weir.get("/default/").field("Location"), "/default/x");
}

TEST(Forwarding, TheUrlOfRefreshIsFoundInEitherCase) {
  FakeBackend app = FakeBackend::answering({.fields = {{"Refresh", "5; URL=http://group/inner/x"}}});
  WeirProcess weir("upstream group { server %app%; } server { location /outer/ { proxy_pass http://group/inner/; } }",
                   {{"app", app.address()}});
  EXPECT_EQ(weir.get("/outer/").field("Refresh"), "5; URL=/outer/x");
}

TEST(Forwarding, AttemptsOfLaterGroupsFollowAColon) {
  FakeBackend app = FakeBackend::answering(200);
  FakeBackend failing = FakeBackend::answering(503), failing_too = FakeBackend::answering(503);
  WeirProcess weir(R"(
      upstream two { server %failing%; server %failing_too% backup; }
      server {
        location / { proxy_pass http://two; proxy_next_upstream http_503; proxy_intercept_errors on;
                     error_page 503 =200 @spare; }
        location @spare { proxy_pass http://%app%; add_header X-Seen "$upstream_status"; }
      })",
                   {{"app", app.address()}, {"failing", failing.address()}, {"failing_too", failing_too.address()}});
  EXPECT_EQ(weir.get("/").field("X-Seen"), "503, 503 : 200");
}

TEST(Forwarding, AnEmptyXAccelRedirectLeadsNowhere) {
  FakeBackend app = FakeBackend::answering({.body = "not for clients", .fields = {{"X-Accel-Redirect", ""}}});
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  EXPECT_EQ(weir.get("/").status, 404);
}

TEST(Forwarding, NamesTheProxiedHostUnlessTold) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      upstream group { server %app%; }
      server {
        location /address { proxy_pass http://%app%; }
        location /group   { proxy_pass http://group; }
        location /told    { proxy_pass http://group; proxy_set_header Host $host; }
        location /given   { proxy_pass http://group; proxy_set_header Host $http_host; }
      })",
                   {{"app", app.address()}});
  const auto host_at = [&](const std::string& target) {
    weir.get(target, {{"Host", "Shop.Example:81"}});
    EXPECT_EQ(app.last_request().fields.count("Host"), 1u);
    return app.last_request().field("Host");
  };
  EXPECT_EQ(host_at("/address"), app.address());
  EXPECT_EQ(host_at("/group"), "group");
  EXPECT_EQ(host_at("/told"), "shop.example");
  EXPECT_EQ(host_at("/given"), "Shop.Example:81");
}

TEST(Forwarding, SetsReplacesAndRemovesRequestFields) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      proxy_set_header X-Outer outer;
      server {
        location /outer { proxy_pass http://%app%; }
        location /inner {
          proxy_pass http://%app%;
          proxy_set_header X-Real-IP $remote_addr;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header X-Forwarded-Proto $scheme;
          proxy_set_header Accept-Encoding "";
          proxy_set_header X-Both "$request_method:$uri:$args";
        }
      })",
                   {{"app", app.address()}});
  weir.get("/outer");
  EXPECT_EQ(app.last_request().field("X-Outer"), "outer");

  weir.get("/inner?a=b", {{"X-Forwarded-For", "10.1.1.1"}, {"X-Real-IP", "10.9.9.9"}, {"Accept-Encoding", "gzip"}});
  const HttpRequest seen = app.last_request();
  EXPECT_FALSE(seen.has("X-Outer")) << "a list set in an inner scope replaces the outer one whole";
  EXPECT_EQ(seen.fields.joined("X-Real-IP"), "127.0.0.1");
  EXPECT_EQ(seen.fields.joined("X-Forwarded-For"), "10.1.1.1, 127.0.0.1");
  EXPECT_EQ(seen.field("X-Forwarded-Proto"), "http");
  EXPECT_FALSE(seen.has("Accept-Encoding"));
  EXPECT_EQ(seen.field("X-Both"), "GET:/inner:a=b");
}

TEST(Forwarding, DropsRequestFieldsThatConcernOneHop) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  weir.get("/", {{"Connection", "keep-alive"},
                 {"Keep-Alive", "timeout=5"},
                 {"TE", "trailers"},
                 {"Upgrade", "h2c"},
                 {"X-Kept", "yes"}});
  const HttpRequest seen = app.last_request();
  EXPECT_FALSE(seen.has("Keep-Alive"));
  EXPECT_FALSE(seen.has("TE"));
  EXPECT_FALSE(seen.has("Upgrade"));
  EXPECT_EQ(seen.field("Connection").find("Upgrade"), std::string::npos);
  EXPECT_EQ(seen.field("X-Kept"), "yes");
}

TEST(Forwarding, DropsFieldsNominatedByConnectionInBothDirections) {
  WEIR_ONLY("nginx forwards nominated fields");
  FakeBackend app = FakeBackend::answering({.fields = {{"Connection", "X-Answer-Hop"},
                                                       {"X-Answer-Hop", "1"},
                                                       {"Proxy-Connection", "keep-alive"},
                                                       {"X-Kept", "yes"}}});
  WeirProcess weir(kPlain, {{"app", app.address()}});
  const HttpResponse response = weir.get("/", {{"Connection", "X-Hop, x-other-hop"},
                                               {"X-Hop", "1"},
                                               {"X-Other-Hop", "2"},
                                               {"Proxy-Connection", "keep-alive"},
                                               {"X-Kept", "yes"}});
  const HttpRequest seen = app.last_request();
  EXPECT_FALSE(seen.has("X-Hop"));
  EXPECT_FALSE(seen.has("X-Other-Hop"));
  EXPECT_FALSE(seen.has("Proxy-Connection"));
  EXPECT_EQ(seen.field("X-Kept"), "yes");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.has("X-Answer-Hop"));
  EXPECT_FALSE(response.has("Proxy-Connection"));
  EXPECT_EQ(response.field("X-Kept"), "yes");
}

TEST(Forwarding, NominatingEndToEndFieldsDoesNotRemoveFraming) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  weir.request({.method = "POST", .fields = {{"Connection", "Content-Length, Host"}}, .body = "abc"});
  EXPECT_EQ(app.last_request().body.text(), "abc");
  EXPECT_EQ(app.last_request().fields.count("Host"), 1u);
}

TEST(Forwarding, PassesAnswerFieldsButThoseOfOneHop) {
  FakeBackend app = FakeBackend::answering({.status = 203,
                                            .body = "body",
                                            .fields = {{"Set-Cookie", "a=1"},
                                                       {"Set-Cookie", "b=2"},
                                                       {"Content-Type", "text/x-own"},
                                                       {"Keep-Alive", "timeout=7"},
                                                       {"X-Accel-Limit-Rate", "off"},
                                                       {"Server", "app/1"},
                                                       {"Cache-Control", "no-store"}}});
  WeirProcess weir(kPlain, {{"app", app.address()}});
  const HttpResponse response = weir.get("/");
  EXPECT_EQ(response.status, 203);
  EXPECT_EQ(response.fields.count("Set-Cookie"), 2u);
  EXPECT_EQ(response.field("Content-Type"), "text/x-own");
  EXPECT_EQ(response.field("Cache-Control"), "no-store");
  EXPECT_EQ(response.fields.count("Date"), 1u);
  EXPECT_EQ(response.fields.count("Server"), 1u);
  EXPECT_NE(response.field("Server"), "app/1");
  EXPECT_FALSE(response.has("X-Accel-Limit-Rate"));
  EXPECT_NE(response.field("Keep-Alive"), "timeout=7");
  EXPECT_EQ(response.text(), "body");
}

TEST(Forwarding, HidesAndPassesAnswerFields) {
  FakeBackend app = FakeBackend::answering({.fields = {{"X-Secret", "s"}, {"X-Open", "o"}, {"Server", "app/1"}}});
  WeirProcess weir(R"(
      server {
        location /hide { proxy_pass http://%app%; proxy_hide_header X-Secret; }
        location /pass { proxy_pass http://%app%; proxy_pass_header Server; }
      })",
                   {{"app", app.address()}});
  const HttpResponse hidden = weir.get("/hide");
  EXPECT_FALSE(hidden.has("X-Secret"));
  EXPECT_EQ(hidden.field("X-Open"), "o");
  const HttpResponse passed = weir.get("/pass");
  EXPECT_EQ(passed.fields.joined("Server"), "app/1");
  EXPECT_EQ(passed.field("X-Secret"), "s");
}

TEST(Forwarding, AddsAnswerFieldsOnSuccessAndAlways) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.status = std::stoi(request.target.substr(1))}, request.method);
  });
  WeirProcess weir(R"(
      add_header X-Outer outer;
      server {
        location / {
          proxy_pass http://%app%;
          add_header X-Success "$status";
          add_header X-Always here always;
          add_header X-Empty "" always;
        }
        location = /own { return 200 own; }
      })",
                   {{"app", app.address()}});
  for (const int status : {200, 201, 204, 206, 301, 302, 303, 304, 307, 308}) {
    const HttpResponse response = weir.get("/" + std::to_string(status));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.field("X-Success"), std::to_string(status));
    EXPECT_EQ(response.field("X-Always"), "here");
    EXPECT_FALSE(response.has("X-Outer"));
    EXPECT_FALSE(response.has("X-Empty"));
  }
  for (const int status : {203, 400, 404, 500}) {
    const HttpResponse response = weir.get("/" + std::to_string(status));
    EXPECT_EQ(response.status, status);
    EXPECT_FALSE(response.has("X-Success")) << status;
    EXPECT_EQ(response.field("X-Always"), "here");
  }
  EXPECT_EQ(weir.get("/own").field("X-Outer"), "outer");
}

TEST(Forwarding, AnswersHeadWithoutABody) {
  FakeBackend app = FakeBackend::answering(200, "twelve bytes");
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 3; ++i) {
    const HttpResponse head = client.request({.method = "HEAD"});
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("Content-Length"), "12");
    EXPECT_EQ(app.last_request().method, "HEAD");
    EXPECT_EQ(client.get("/").text(), "twelve bytes");
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(Forwarding, AnswersWithoutABodyLeaveTheConnectionUsable) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.status = std::stoi(request.target.substr(1)), .body = ""}, request.method);
  });
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (const int status : {204, 304, 200, 204, 404, 304}) {
    const HttpResponse response = client.get("/" + std::to_string(status));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body.size(), 0u);
    if (status == 204) {
      EXPECT_FALSE(response.has("Content-Length"));
      EXPECT_FALSE(response.has("Transfer-Encoding"));
    }
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(Forwarding, A304KeepsTheLengthOfWhatWasNotSent) {
  FakeBackend app = FakeBackend::sending("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n",
                                         FakeBackend::After::KeepOpen);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 2; ++i) {
    const HttpResponse response = client.get("/");
    EXPECT_EQ(response.status, 304);
    EXPECT_EQ(response.field("ETag"), "\"x\"");
    EXPECT_TRUE(response.complete);
  }
}

TEST(Forwarding, SpeaksHttp10ToAClientThatDoes) {
  FakeBackend app = FakeBackend::answering({.body = "answer", .framing = Answer::Framing::Chunked});
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client = weir.connect();
  const HttpResponse response = client.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.chunked);
  EXPECT_EQ(response.text(), "answer");
  EXPECT_TRUE(response.complete);
  EXPECT_TRUE(client.closed_within());
}

TEST(Forwarding, KeepsAnHttp10ConnectionThatAsksForIt) {
  FakeBackend app = FakeBackend::answering(200, "answer");
  WeirProcess weir(kPlain, {{"app", app.address()}});
  RawClient client = weir.connect();
  for (int i = 0; i < 3; ++i) {
    const HttpResponse response = client.ask("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    EXPECT_EQ(response.text(), "answer");
    EXPECT_TRUE(equal_ignoring_case(response.field("Connection"), "keep-alive"));
  }
}

TEST(Forwarding, SpeaksTheConfiguredVersionToTheBackend) {
  FakeBackend app = FakeBackend::answering({.body = "x", .framing = Answer::Framing::UntilClose});
  WeirProcess weir(R"(
      server {
        location /old { proxy_pass http://%app%; proxy_http_version 1.0; }
        location /new { proxy_pass http://%app%; proxy_http_version 1.1; }
      })",
                   {{"app", app.address()}});
  EXPECT_EQ(weir.get("/old").text(), "x");
  EXPECT_EQ(app.last_request().version, "HTTP/1.0");
  EXPECT_EQ(weir.get("/new").text(), "x");
  EXPECT_EQ(app.last_request().version, "HTTP/1.1");
}

TEST(Forwarding, SpeaksHttp11ToBackendsByDefault) {
  WEIR_ONLY("this nginx is older than 1.29.7");
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(kPlain, {{"app", app.address()}});
  weir.get("/");
  EXPECT_EQ(app.last_request().version, "HTTP/1.1");
  EXPECT_NE(app.last_request().field("Connection"), "close");
}

TEST(Forwarding, TakesAnswersOfAnHttp10Backend) {
  FakeBackend app = FakeBackend::sending("HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nuntil the end");
  WeirProcess weir(kPlain, {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 3; ++i) {
    const HttpResponse response = client.get("/");
    EXPECT_EQ(response.version, "HTTP/1.1");
    EXPECT_EQ(response.field("X-Old"), "yes");
    EXPECT_EQ(response.text(), "until the end");
    EXPECT_TRUE(response.complete);
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(Forwarding, TakesAnAbsoluteTarget) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      server { server_name other; location / { return 404; } }
      server { server_name shop.example; location / { proxy_pass http://%app%; proxy_set_header Host $host; } })",
                   {{"app", app.address()}});
  const HttpResponse response = weir.connect().ask("GET http://shop.example/p?q HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(app.last_request().target, "/p?q");
  EXPECT_EQ(app.last_request().field("Host"), "shop.example");
}

TEST(Forwarding, LargeHeadsPassInBothDirections) {
  const std::string cookie(6'000, 'c');
  FakeBackend app = FakeBackend::answering({.fields = {{"X-Large", std::string(3'000, 'r')}}});
  WeirProcess weir(kPlain, {{"app", app.address()}});
  const HttpResponse response = weir.get("/", {{"Cookie", cookie}, {"X-Second", cookie}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("X-Large").size(), 3'000u);
  EXPECT_EQ(app.last_request().field("Cookie"), cookie);
  EXPECT_EQ(app.last_request().field("X-Second"), cookie);
}

}  // namespace
}  // namespace weir::test
