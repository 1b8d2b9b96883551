// Files: root, alias, index, try_files, types, conditions and ranges.
#include <gtest/gtest.h>

#include <filesystem>

#include "support/weir_process.h"

namespace weir::test {
namespace {

namespace fs = std::filesystem;

/// A folder with a page, a text, and a secret outside of the root.
class Files : public testing::Test {
 protected:
  Files() {
    fs::create_directories(dir_.path() / "site/folder/deep");
    fs::create_directories(dir_.path() / "site/empty");
    dir_.write("site/index.html", "home");
    dir_.write("site/folder/index.html", "inside");
    dir_.write("site/digits.txt", "0123456789");
    dir_.write("site/nothing.bin", "");
    dir_.write("secret.txt", "secret");
  }
  Values values() const { return {{"site", (dir_.path() / "site").string()}}; }

  TempDir dir_{"files"};
};

constexpr std::string_view kSite = "server { root %site%; etag on; location / { } }";

TEST_F(Files, ServesAFileWithTypeLengthTimeAndTag) {
  WeirProcess weir(kSite, values());
  const HttpResponse page = weir.get("/index.html");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.text(), "home");
  EXPECT_EQ(page.field("Content-Type"), "text/html");
  EXPECT_EQ(page.field("Content-Length"), "4");
  EXPECT_EQ(page.field("Accept-Ranges"), "bytes");
  EXPECT_TRUE(page.field("Last-Modified").ends_with(" GMT"));
  EXPECT_TRUE(page.field("ETag").ends_with("-4\"")) << page.field("ETag");
  EXPECT_EQ(weir.get("/nothing.bin").field("Content-Length"), "0");
  EXPECT_EQ(weir.get("/missing").status, 404);
  EXPECT_TRUE(weir.logs("No such file or directory"));
}

TEST_F(Files, FoldersHaveAnIndexOrAreForbidden) {
  WeirProcess weir(kSite, values());
  EXPECT_EQ(weir.get("/").text(), "home");
  EXPECT_EQ(weir.get("/folder/").text(), "inside");
  EXPECT_EQ(weir.get("/empty/").status, 403);
  EXPECT_EQ(weir.get("/nowhere/").status, 404);
  const HttpResponse moved = weir.get("/folder?a=b", {{"Host", "example.org"}});
  EXPECT_EQ(moved.status, 301);
  EXPECT_TRUE(moved.field("Location").starts_with("http://example.org"));
  EXPECT_TRUE(moved.field("Location").ends_with("/folder/?a=b"));
}

TEST_F(Files, AnAliasOfCapturesHasTheIndexThatExists) {
  WeirProcess weir(R"(
      server { location ~ ^/users/(\w+)(/.*)$ { alias %site%$2; index none.html $arg_index index.html; } })",
                   values());
  EXPECT_EQ(weir.get("/users/joe/folder/").text(), "inside");
  EXPECT_EQ(weir.get("/users/joe/").text(), "home");
  EXPECT_EQ(weir.get("/users/joe/empty/").status, 403);
  EXPECT_EQ(weir.get("/users/joe/nowhere/").status, 404);
  EXPECT_EQ(weir.get("/users/joe/?index=../secret.txt").status, 404);
}

TEST_F(Files, OnlyGetAndHeadReadThem) {
  WeirProcess weir(kSite, values());
  EXPECT_EQ(weir.request({.method = "HEAD", .target = "/digits.txt"}).field("Content-Length"), "10");
  EXPECT_EQ(weir.request({.method = "POST", .target = "/digits.txt", .body = "x"}).status, 405);
  EXPECT_EQ(weir.request({.method = "DELETE", .target = "/digits.txt"}).status, 405);
}

TEST_F(Files, NeverLeadOutOfTheRoot) {
  WeirProcess weir(R"(
      server {
        root %site%;
        location /img { alias %site%/; }
        location /arg { try_files /$arg_f =410; }
        location /cap { rewrite ^/cap/(.*)$ /$1 break; }
      })",
                   values());
  // The alias lacks its slash, which makes `/img../` reach the folder above in nginx.
  EXPECT_EQ(weir.get("/img../secret.txt").status, 404);
  EXPECT_EQ(weir.get("/img/digits.txt").text(), "0123456789");
  EXPECT_EQ(weir.get("/arg?f=../secret.txt").status, 410);
  EXPECT_EQ(weir.get("/arg?f=digits.txt").text(), "0123456789");
  EXPECT_EQ(weir.get("/cap/..%2fsecret.txt").text().find("secret"), std::string::npos);
  EXPECT_EQ(weir.get("/..%2fsecret.txt").status, 400);
}

TEST_F(Files, TryFilesTakesTheFirstThatExists) {
  WeirProcess weir(R"(
      server {
        root %site%;
        location / { try_files $uri $uri/ /index.html; }
        location /app { try_files $uri @app; }
        location @app { return 200 app; }
        location /code { try_files $uri =418; }
      })",
                   values());
  EXPECT_EQ(weir.get("/digits.txt").text(), "0123456789");
  EXPECT_EQ(weir.get("/folder/").text(), "inside");
  EXPECT_EQ(weir.get("/some/route").text(), "home");
  EXPECT_EQ(weir.get("/app/x").text(), "app");
  EXPECT_EQ(weir.get("/code").status, 418);
}

TEST_F(Files, TypesComeFromTheExtension) {
  WeirProcess weir(R"(
      server {
        root %site%;
        types { text/x-digits txt TXTX; }
        default_type application/octet-stream;
        location /own { types { } default_type text/own; alias %site%/digits.txt; }
        location = /text.txt { return 200 text; }
      })",
                   values());
  EXPECT_EQ(weir.get("/digits.txt").field("Content-Type"), "text/x-digits");
  EXPECT_EQ(weir.get("/nothing.bin").field("Content-Type"), "application/octet-stream");
  EXPECT_EQ(weir.get("/own").field("Content-Type"), "text/own");
  EXPECT_EQ(weir.get("/text.txt").field("Content-Type"), "text/x-digits");
}

TEST_F(Files, ConditionsAreJudged) {
  WeirProcess weir(kSite, values());
  const HttpResponse first = weir.get("/digits.txt");
  const std::string tag = first.field("ETag"), time = first.field("Last-Modified");
  const HttpResponse same = weir.get("/digits.txt", {{"If-None-Match", "\"x\", W/" + tag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.field("ETag"), tag);
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Modified-Since", time}}).status, 304);
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200);
  // A tag says more than a date.
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Modified-Since", time}, {"If-None-Match", "\"x\""}}).status, 200);
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Match", "\"x\""}}).status, 412);
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(weir.get("/digits.txt", {{"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 412);
  EXPECT_EQ(weir.get("/missing", {{"If-Match", "\"x\""}}).status, 404);
}

TEST_F(Files, OneRange) {
  WeirProcess weir(kSite, values());
  const auto range = [&weir](std::string text) { return weir.get("/digits.txt", {{"Range", "bytes=" + text}}); };
  EXPECT_EQ(range("2-4").status, 206);
  EXPECT_EQ(range("2-4").text(), "234");
  EXPECT_EQ(range("2-4").field("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(range("7-").text(), "789");
  EXPECT_EQ(range("-3").text(), "789");
  EXPECT_EQ(range("-300").text(), "0123456789");
  EXPECT_EQ(range("5-99999999999999999999999").text(), "56789");
  EXPECT_EQ(range("10-").status, 416);
  EXPECT_EQ(range("10-").field("Content-Range"), "bytes */10");
  EXPECT_EQ(range("x").status, 416);
  EXPECT_EQ(weir.get("/digits.txt", {{"Range", "lines=1-2"}}).status, 200);
}

TEST_F(Files, AnEmptyFileIsServedWholeToWhoWantsItsBeginning) {
  WeirProcess weir(kSite, values());
  for (const char* text : {"bytes=0-", "bytes=-5", "bytes=0-9,20-29"})
    EXPECT_EQ(weir.get("/nothing.bin", {{"Range", text}}).status, 200) << text;
  EXPECT_EQ(weir.get("/nothing.bin", {{"Range", "bytes=5-"}}).status, 416);
}

TEST_F(Files, SeveralRangesComeInParts) {
  WeirProcess weir(kSite, values());
  const HttpResponse parts = weir.get("/digits.txt", {{"Range", "bytes=0-1, 8-"}});
  EXPECT_EQ(parts.status, 206);
  const std::string type = parts.field("Content-Type");
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  EXPECT_EQ(parts.text(), "\r\n--" + boundary +
                              "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--" + boundary +
                              "\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--" + boundary +
                              "--\r\n");
  // More than the whole in all: the whole.
  EXPECT_EQ(weir.get("/digits.txt", {{"Range", "bytes=0-,0-,0-"}}).status, 200);
}

TEST_F(Files, IfRangeAndMaxRangesDecideWhetherARangeCounts) {
  WeirProcess weir(R"(
      server {
        root %site%;
        location /one/ { alias %site%/; max_ranges 1; }
        location /none/ { alias %site%/; max_ranges 0; }
      })",
                   values());
  const std::string tag = weir.get("/digits.txt").field("ETag");
  EXPECT_EQ(weir.get("/digits.txt", {{"Range", "bytes=0-1"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(weir.get("/digits.txt", {{"Range", "bytes=0-1"}, {"If-Range", "\"x\""}}).status, 200);
  EXPECT_EQ(weir.get("/one/digits.txt", {{"Range", "bytes=0-1"}}).status, 206);
  EXPECT_EQ(weir.get("/one/digits.txt", {{"Range", "bytes=0-1,3-4"}}).status, 200);
  EXPECT_EQ(weir.get("/none/digits.txt", {{"Range", "bytes=0-1"}}).status, 200);
  EXPECT_FALSE(weir.get("/none/digits.txt").fields.has("Accept-Ranges"));
}

TEST_F(Files, LargeOnesArriveWhole) {
  std::string large;
  for (PatternBytes pattern(3'000'000); large.size() < pattern.size();) {
    const std::string_view piece = pattern.next();
    if (piece.empty()) break;
    large += piece;
  }
  dir_.write("site/large", large);
  WeirProcess weir(kSite, values());
  EXPECT_EQ(weir.get("/large").text(), large);
  EXPECT_EQ(weir.get("/large", {{"Range", "bytes=100000-299999"}}).text(), large.substr(100'000, 200'000));
}

}  // namespace
}  // namespace weir::test
