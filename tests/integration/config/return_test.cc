// Answers made by the proxy itself: return, and its own error pages.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

TEST(Return, AnswersWithCodeTextOrLocation) {
  WeirProcess weir(R"(
      server {
        location /text { return 200 "method $request_method, args $args"; }
        location /empty { return 204; }
        location /teapot { return 418 short; }
        location /moved { return 301 https://new.example$request_uri; }
        location /found { return http://other.example/; }
        location /see { return 303 /local; }
        location /gone { return 410; }
        location /type { default_type application/json; return 200 '{"a":1}'; }
      })");
  HttpClient client = weir.client();
  EXPECT_EQ(client.get("/text?a=b").text(), "method GET, args a=b");
  EXPECT_EQ(client.get("/empty").status, 204);
  EXPECT_EQ(client.get("/teapot").status, 418);
  const HttpResponse moved = client.get("/moved?x");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.field("Location"), "https://new.example/moved?x");
  const HttpResponse found = client.get("/found");
  EXPECT_EQ(found.status, 302);
  EXPECT_EQ(found.field("Location"), "http://other.example/");
  const HttpResponse see = client.get("/see", {{"Host", "shop.example"}});
  EXPECT_EQ(see.status, 303);
  EXPECT_TRUE(see.field("Location").ends_with("/local"));
  const HttpResponse gone = client.get("/gone");
  EXPECT_EQ(gone.status, 410);
  EXPECT_NE(gone.text().find("410"), std::string::npos);
  EXPECT_EQ(gone.field("Content-Type"), "text/html");
  const HttpResponse json = client.get("/type");
  EXPECT_EQ(json.field("Content-Type"), "application/json");
  EXPECT_EQ(json.text(), "{\"a\":1}");
  EXPECT_EQ(client.connections(), 1);
}

TEST(Return, AtServerLevelComesBeforeEveryLocation) {
  WeirProcess weir("server { return 403; location / { return 200 never; } }");
  EXPECT_EQ(weir.get("/").status, 403);
}

TEST(Return, Code444ClosesWithoutAWord) {
  WeirProcess weir("server { location / { return 444; } }");
  RawClient client = weir.connect();
  client.send(to_wire({}));
  const RawClient::Rest rest = client.read_to_end();
  EXPECT_EQ(rest.bytes, "");
  EXPECT_NE(rest.end, IoStatus::Timeout);
}

TEST(Return, ABodyNobodyReadsDoesNotDisturbTheNextRequest) {
  WeirProcess weir("server { location / { return 200 fine; } }");
  HttpClient client = weir.client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.post("/", std::string(100'000, 'x')).text(), "fine");
    EXPECT_EQ(client.request({.method = "PUT", .body = std::string(50'000, 'y'), .chunked = true}).text(), "fine");
    EXPECT_EQ(client.get("/").text(), "fine");
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(Return, HeadHasTheFieldsOfGet) {
  WeirProcess weir("server { location / { return 200 12345; } location /missing { return 404; } }");
  HttpClient client = weir.client();
  for (const char* target : {"/", "/missing"}) {
    const HttpResponse get = client.get(target);
    const HttpResponse head = client.request({.method = "HEAD", .target = target});
    EXPECT_EQ(head.status, get.status);
    EXPECT_EQ(head.field("Content-Length"), std::to_string(get.body.size()));
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(ErrorPage, OfTheProxyCarriesNoVersionOfItsOwnMaking) {
  WEIR_ONLY("nginx names itself");
  WeirProcess weir("server { location / { return 500; } }");
  const HttpResponse response = weir.get("/");
  EXPECT_TRUE(response.field("Server").starts_with("weir")) << response.field("Server");
  EXPECT_EQ(response.text().find("nginx"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
