// Which location serves a path.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

struct Case {
  const char* target;
  const char* location;
};

void expect_locations(WeirProcess& weir, std::initializer_list<Case> cases) {
  HttpClient client = weir.client();
  for (const auto& [target, location] : cases) EXPECT_EQ(client.get(target).text(), location) << target;
}

TEST(Location, ExactThenLongestPrefixThenRegexInOrder) {
  WeirProcess weir(R"(
      server {
        location = / { return 200 exact-root; }
        location / { return 200 root; }
        location /a { return 200 a; }
        location /a/b/ { return 200 a-b; }
        location = /a/b/c { return 200 exact-abc; }
        location ^~ /images/ { return 200 images; }
        location ~ \.png$ { return 200 png; }
        location ~* \.(gif|PNG)$ { return 200 caseless; }
        location ~ ^/a/b/later { return 200 regex-later; }
        location ~ ^/a/b/lat { return 200 never; }
      })");
  expect_locations(weir, {{"/", "exact-root"},
                          {"/?x", "exact-root"},
                          {"/x", "root"},
                          {"/a", "a"},
                          {"/ab", "a"},
                          {"/a/b", "a"},
                          {"/a/b/", "a-b"},
                          {"/a/b/c", "exact-abc"},
                          {"/a/b/cd", "a-b"},
                          {"/A", "root"},
                          {"/x.png", "png"},
                          {"/x.PNG", "caseless"},
                          {"/x.Gif", "caseless"},
                          {"/images/x.png", "images"},
                          {"/a/b/later", "regex-later"},
                          {"/x.png?y=/images/", "png"}});
}

TEST(Location, MatchesTheNormalisedPath) {
  WeirProcess weir(R"(
      server {
        location / { return 200 root; }
        location /secret/ { return 200 secret; }
        location = /exact { return 200 exact; }
        location "/with space/" { return 200 space; }
      })");
  expect_locations(weir, {{"/%73ecret/x", "secret"},
                          {"/./secret/x", "secret"},
                          {"/x/../secret/x", "secret"},
                          {"//secret//x", "secret"},
                          {"/secret%2Fx", "secret"},
                          {"/secret/../x", "root"},
                          {"/%65xact", "exact"},
                          {"/exact?/secret/", "exact"},
                          {"/with%20space/", "space"}});
}

TEST(Location, PathsThatClimbAboveTheRootAreRefused) {
  WeirProcess weir("server { location / { return 200 root; } }");
  for (const char* target : {"/..", "/../x", "/a/../../x", "/%2e%2e/x"})
    EXPECT_EQ(weir.get(target).status, 400) << target;
}

TEST(Location, NestsAndNames) {
  WeirProcess weir(R"(
      server {
        location /outer/ {
          location /outer/inner { return 200 inner; }
          location ~ \.txt$ { return 200 inner-regex; }
          return 200 outer;
        }
        location ~ \.txt$ { return 200 outer-regex; }
        location / { return 200 root; }
        location @named { return 200 named; }
      })");
  expect_locations(weir, {{"/outer/", "outer"},
                          {"/outer/inner/x", "inner"},
                          {"/outer/x.txt", "inner-regex"},
                          {"/x.txt", "outer-regex"},
                          {"/@named", "root"}});
}

TEST(Location, RegexCapturesBecomeVariables) {
  WeirProcess weir(R"(
      server {
        location ~ ^/user/(?<name>[a-z]+)/([0-9]+)$ { return 200 "$name $2 $1"; }
        location ~* "^/count/[0-9]{3}$" { return 200 three; }
      })");
  expect_locations(weir, {{"/user/ann/42", "ann 42 ann"}, {"/COUNT/123", "three"}});
}

TEST(Location, WithoutAMatchAnswers404) {
  WeirProcess weir("server { location /only { return 200 only; } }");
  EXPECT_EQ(weir.get("/only").status, 200);
  EXPECT_EQ(weir.get("/").status, 404);
}

TEST(Location, APrefixEndingInASlashRedirectsTheNameWithout) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location /dir/ { proxy_pass http://%app%; } }", {{"app", app.address()}});
  const HttpResponse response = weir.get("/dir?a=b", {{"Host", "shop.example"}});
  EXPECT_EQ(response.status, 301);
  EXPECT_TRUE(response.field("Location").ends_with("/dir/?a=b")) << response.field("Location");
}

TEST(ProxyPass, WithoutUriPassesTheTargetAsItCame) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location /x/ { proxy_pass http://%app%; } }", {{"app", app.address()}});
  for (const char* target : {"/x/a%20b", "/x//y/./z", "/x/%41?q=%20&r=//", "/x/?", "/x/a;b=c"}) {
    weir.get(target);
    EXPECT_EQ(app.last_request().target, target);
  }
}

TEST(ProxyPass, WithUriReplacesTheMatchedPrefix) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      upstream group { server %app%; }
      server {
        location /api/ { proxy_pass http://%app%/v1/; }
        location /bare { proxy_pass http://group/; }
        location /deep/ { proxy_pass http://group/a/b; }
        location = /exact { proxy_pass http://group/only?fixed=1; }
        location ~ ^/re/(.*)$ { proxy_pass http://group/seen/$1?v=2; }
        location /var/ { set $target http://%app%; proxy_pass $target; }
        location /varuri/ { proxy_pass http://group$request_uri; }
      })",
                   {{"app", app.address()}});
  const auto target_of = [&](const std::string& asked) {
    EXPECT_EQ(weir.get(asked).status, 200) << asked;
    return app.last_request().target;
  };
  EXPECT_EQ(target_of("/api/users?id=1"), "/v1/users?id=1");
  EXPECT_EQ(target_of("/api/a%20b"), "/v1/a%20b");
  EXPECT_EQ(target_of("/api//x/../y"), "/v1/y");
  EXPECT_EQ(target_of("/bare/x"), "//x");
  EXPECT_EQ(target_of("/deep/c"), "/a/bc");
  EXPECT_EQ(target_of("/exact"), "/only?fixed=1");
  EXPECT_EQ(target_of("/re/p/q"), "/seen/p/q?v=2");
  EXPECT_EQ(target_of("/var/x?y"), "/var/x?y");
  EXPECT_EQ(target_of("/varuri/x%20?y"), "/varuri/x%20?y");
}

TEST(ProxyPass, ReachesUnixSockets) {
  const TempDir dir("unix");
  const std::string path = (dir.path() / "app.sock").string();
  FakeBackend app = FakeBackend::answering({.body = "by unix"}, "unix:" + path);
  WeirProcess weir(R"(
      upstream group { server unix:%path%; }
      server {
        location / { proxy_pass http://unix:%path%; }
        location /uri/ { proxy_pass http://unix:%path%:/base/; }
        location /group { proxy_pass http://group; }
      })",
                   {{"path", path}});
  EXPECT_EQ(weir.get("/a").text(), "by unix");
  EXPECT_EQ(app.last_request().target, "/a");
  EXPECT_EQ(weir.get("/uri/b").text(), "by unix");
  EXPECT_EQ(app.last_request().target, "/base/b");
  EXPECT_EQ(weir.get("/group").text(), "by unix");
}

}  // namespace
}  // namespace weir::test
