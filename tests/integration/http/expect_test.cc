// Expect: 100-continue, and the other interim answers.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kExpecting = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";

TEST(Expect, IsAnsweredWith100BeforeTheBodyIsSent) {
  FakeBackend app = FakeBackend::answering(200, "done");
  WeirProcess weir(R"(
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; }
      })",
                   {{"app", app.address()}});
  for (const std::string target : {"/", "/stream"}) {
    SCOPED_TRACE(target);
    RawClient client = weir.connect();
    client.send("POST " + target + std::string(kExpecting).substr(6));
    EXPECT_EQ(client.read_response_head().status, 100);
    client.send("body");
    const HttpResponse response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.interim.empty());
    EXPECT_EQ(app.last_request().body.text(), "body");
    EXPECT_EQ(client.ask(to_wire({})).status, 200) << "the connection goes on";
  }
}

TEST(Expect, ABodyThatCameAlongNeedsNo100) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask(std::string(kExpecting) + "body").status, 200);
  EXPECT_EQ(app.last_request().body.text(), "body");
}

TEST(Expect, ARefusedBodyIsNotInvited) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("client_max_body_size 3; server { location / { proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  RawClient client = weir.connect();
  const HttpResponse response = client.ask(kExpecting);
  EXPECT_EQ(response.status, 413);
  EXPECT_TRUE(response.interim.empty());
  EXPECT_EQ(app.request_count(), 0u);
}

TEST(Expect, IsNotAnsweredToHttp10) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  RawClient client = weir.connect();
  client.send("POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.quiet_for(milliseconds(200)));
  EXPECT_EQ(client.ask("body").status, 200);
}

TEST(Interim, AnswersOfABackendComeBeforeTheFinalOne) {
  WEIR_ONLY("nginx 1.22 takes any 1xx but 101 as final");
  for (const std::string interim :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
        "HTTP/1.1 199 Odd\r\nX-Field: 1\r\n\r\n"}) {
    SCOPED_TRACE(interim);
    FakeBackend app = FakeBackend::sending(interim + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal",
                                           FakeBackend::After::KeepOpen);
    WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
    RawClient client = weir.connect();
    for (int i = 0; i < 2; ++i) {
      const HttpResponse response = client.ask(to_wire({}));
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.text(), "final");
    }
    RawClient old = weir.connect();
    EXPECT_TRUE(old.ask("GET / HTTP/1.0\r\n\r\n").interim.empty()) << "HTTP/1.0 knows no interim answers";
  }
}

TEST(Interim, WithoutEndIsABadGateway) {
  WEIR_ONLY("nginx 1.22 takes any 1xx but 101 as final");
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    while (connection.send("HTTP/1.1 102 Processing\r\n\r\n")) {
    }
  });
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  const HttpResponse response = weir.get("/");
  EXPECT_EQ(response.status, 502);
  EXPECT_LT(response.interim.size(), 1'000u);
}

}  // namespace
}  // namespace weir::test
