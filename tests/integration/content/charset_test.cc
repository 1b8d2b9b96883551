// charset: what Content-Type says of texts.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

std::string type_of(const WeirProcess& weir, const std::string& target) { return weir.get(target).field("Content-Type"); }

TEST(Charset, IsNamedForTextsThatNameNone) {
  WeirProcess weir(R"(
      charset utf-8;
      types { text/html html; text/css css; application/javascript js; }
      default_type application/octet-stream;
      server {
        absolute_redirect off;
        location / { return 200 "x"; }
        location /off { charset off; location ~ html$ { return 200 "x"; } }
        location /all { charset_types *; location ~ css$ { return 200 "x"; } }
        location /by { charset $arg_c; location ~ html$ { return 200 "x"; } }
        location /none { charset_types *; default_type ""; location ~ none$ { return 200 "x"; } }
        location /gone { return 404; }
        location /moved { return 301 /x; }
      })");
  EXPECT_EQ(type_of(weir, "/a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(type_of(weir, "/a.js"), "application/javascript; charset=utf-8");
  EXPECT_EQ(type_of(weir, "/a.css"), "text/css");
  EXPECT_EQ(type_of(weir, "/a"), "application/octet-stream");
  EXPECT_EQ(type_of(weir, "/off.html"), "text/html");
  EXPECT_EQ(type_of(weir, "/all.css"), "text/css; charset=utf-8");
  EXPECT_EQ(type_of(weir, "/by.html?c=koi8-r"), "text/html; charset=koi8-r");
  EXPECT_EQ(type_of(weir, "/none"), "");
  EXPECT_EQ(type_of(weir, "/gone"), "text/html; charset=utf-8");
  EXPECT_EQ(type_of(weir, "/moved"), "text/html");
}

TEST(Charset, OfABackendStays) {
  FakeBackend backend = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    std::string type = "Text/HTML";
    if (request.target.ends_with("named")) type = "text/html; a=b; Charset=koi8-r";
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: " + type + "\r\n\r\nx");
  });
  WeirProcess weir(R"(
      charset utf-8;
      server {
        location / { proxy_pass http://%backend%; }
      })", {{"backend", backend.address()}});
  EXPECT_EQ(type_of(weir, "/plain"), "Text/HTML; charset=utf-8");
  EXPECT_EQ(type_of(weir, "/named"), "text/html; a=b; Charset=koi8-r");
}

}  // namespace
}  // namespace weir::test
