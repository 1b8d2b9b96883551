// Backends that speak nonsense, close early or stall: the client can always tell, and nobody else is touched.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

using namespace std::string_literals;
using After = FakeBackend::After;

struct Nonsense {
  const char* what;
  std::string bytes;
};

void expect_bad_gateway(const std::vector<Nonsense>& all) {
  for (const After after : {After::Close, After::KeepOpen}) {
    for (const auto& [what, bytes] : all) {
      // A head that never ends is found out only by its end or a time limit.
      if (after == After::KeepOpen && bytes.find("\r\n\r\n") == bytes.npos) continue;
      SCOPED_TRACE(what);
      FakeBackend app = FakeBackend::sending(bytes, after);
      WeirProcess weir("server { location / { proxy_pass http://%app%; proxy_read_timeout 3s; } }",
                       {{"app", app.address()}});
      HttpClient client = weir.client();
      for (int i = 0; i < 2; ++i) {
        const HttpResponse response = client.get("/");
        EXPECT_EQ(response.status, 502) << response.raw_head << response.text();
        EXPECT_EQ(response.text().find("nonsense"), std::string::npos) << "the backend's octets reached the client";
      }
      EXPECT_TRUE(weir.logs("[error]"));
    }
  }
}

TEST(BadAnswer, NoAnswerIsABadGateway) {
  expect_bad_gateway({{"closed at once", ""}});
}

TEST(BadAnswer, CutHeadsAreABadGateway) {
  expect_bad_gateway({{"half a status line", "HTTP/1.1 20"},
                      {"half a head", "HTTP/1.1 200 OK\r\nX-Non"},
                      {"no end of the head", "HTTP/1.1 200 OK\r\nX-A: nonsense\r\n"}});
}

TEST(BadAnswer, HeadsOverProxyBufferSizeAreABadGateway) {
  expect_bad_gateway(
      {{"a long field", "HTTP/1.1 200 OK\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\nnonsense"}});
}

TEST(BadAnswer, NonsenseHeadsAreABadGateway) {
  WEIR_ONLY("nginx passes most of these on");
  expect_bad_gateway({
      {"words", "this is nonsense\r\n\r\n"},
      {"binary", "\x00\x01\x02\xff\xfe nonsense\r\n\r\n"s},
      {"HTTP/0.9", "<html>nonsense</html>\r\n\r\n"},
      {"status 2000", "HTTP/1.1 2000 OK\r\nContent-Length: 8\r\n\r\nnonsense"},
      {"status 20", "HTTP/1.1 20 OK\r\nContent-Length: 8\r\n\r\nnonsense"},
      {"status 000", "HTTP/1.1 000 OK\r\nContent-Length: 8\r\n\r\nnonsense"},
      {"version 9.9", "HTTP/9.9 200 OK\r\nContent-Length: 8\r\n\r\nnonsense"},
      {"another protocol", "SSH-2.0-nonsense\r\n\r\n"},
      {"NUL in the reason", "HTTP/1.1 200 O\0K\r\nContent-Length: 8\r\n\r\nnonsense"s},
      {"a field without colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"},
      {"space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 8\r\n\r\nnonsense"},
      {"NUL in a value", "HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 8\r\n\r\nnonsense"s},
      {"CR in a value", "HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 8\r\n\r\nnonsense"},
  });
}

TEST(BadAnswer, ContradictoryFramingIsABadGateway) {
  WEIR_ONLY("nginx 1.22 takes some of these");
  expect_bad_gateway({
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\nnonsense"},
      {"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -8\r\n\r\nnonsense"},
      {"a length that is a word", "HTTP/1.1 200 OK\r\nContent-Length: eight\r\n\r\nnonsense"},
      {"a length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551624\r\n\r\nnonsense"},
      {"length beside chunked",
       "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nnonsense\r\n0\r\n\r\n"},
      {"an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\nnonsense"},
      {"chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n8\r\nnonsense\r\n0\r\n\r\n"},
  });
}

struct Cut {
  const char* what;
  std::string bytes;
};

TEST(BadAnswer, ACutBodyIsVisibleToTheClient) {
  const std::string part(50'000, 'p');
  for (const After after : {After::Close, After::Reset}) {
    for (const auto& [what, bytes] : std::vector<Cut>{
             {"less than its length", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + part},
             {"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" + part},
             {"between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc350\r\n" + part + "\r\n"},
             {"in the last chunk",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc350\r\n" + part + "\r\n0\r\n"},
         }) {
      SCOPED_TRACE(what);
      FakeBackend app = FakeBackend::sending(bytes, after);
      WeirProcess weir("server { location / { proxy_pass http://%app%; proxy_http_version 1.1; } }",
                       {{"app", app.address()}});
      const HttpResponse response = weir.get("/");
      if (response.status == 502) continue;  // nothing had been passed on yet
      EXPECT_EQ(response.status, 200);
      EXPECT_FALSE(response.complete);
      EXPECT_NE(response.end, IoStatus::Timeout) << "the client is left waiting";
      EXPECT_TRUE(weir.logs("while reading upstream"));
    }
  }
}

TEST(BadAnswer, ACutIsVisibleToAnHttp10ClientToo) {
  WEIR_ONLY("nginx ends it with a clean FIN");
  for (const std::string& framing : {"Transfer-Encoding: chunked\r\n\r\nc350\r\n" + std::string(50'000, 'p') + "\r\n",
                                     "\r\n" + std::string(50'000, 'p')}) {
    FakeBackend app = FakeBackend::sending("HTTP/1.1 200 OK\r\n" + framing, After::Reset);
    WeirProcess weir(
        "server { location / { proxy_pass http://%app%; proxy_http_version 1.1; proxy_buffering off; } }",
        {{"app", app.address()}});
    const HttpResponse response = weir.connect().ask("GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(response.status == 502 || !response.complete) << "a cut close-delimited answer needs a reset";
  }
}

TEST(BadAnswer, BadChunksCutTheAnswer) {
  WEIR_ONLY("nginx 1.22 takes a bare LF in chunked framing");
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  for (const std::string rest : {"x\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
                                 "5\r\nhello\n0\r\n\r\n", "5\r\nhello world\r\n0\r\n\r\n",
                                 "0x5\r\nhello\r\n0\r\n\r\n", "10000000000000005\r\nhello", "0\n\r\n", "0\r\n\n"}) {
    SCOPED_TRACE(rest);
    FakeBackend app = FakeBackend::sending(head + rest, After::KeepOpen);
    WeirProcess weir("server { location / { proxy_pass http://%app%; proxy_read_timeout 3s; } }",
                     {{"app", app.address()}});
    const HttpResponse response = weir.get("/");
    EXPECT_TRUE(response.status == 502 || !response.complete) << response.text();
    EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; })) << "the connection must not be used again";
  }
}

TEST(BadAnswer, OctetsBehindAnAnswerReachNobody) {
  // A second answer nobody asked for waits on the connection: it must not become the next client's.
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(request.target.size()) + "\r\n\r\n" +
                    request.target + "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned");
  });
  WeirProcess weir(R"(
      upstream group { server %app%; keepalive 4; }
      server { location / { proxy_pass http://group; proxy_http_version 1.1; proxy_set_header Connection ""; } })",
                   {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 30; ++i) {
    const HttpResponse response = client.get("/" + std::to_string(i));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.text(), "/" + std::to_string(i));
  }
}

TEST(BadAnswer, ABodyWhereNoneMayBeReachesNobody) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    if (request.target == "/204") connection.send("HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nhidden");
    if (request.target == "/304") connection.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nhidden");
    if (request.target == "/head") connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden");
    if (request.target == "/after") connection.answer({.body = "after"});
  });
  WeirProcess weir(R"(
      upstream group { server %app%; keepalive 4; }
      server { location / { proxy_pass http://group; proxy_http_version 1.1; proxy_set_header Connection ""; } })",
                   {{"app", app.address()}});
  HttpClient client = weir.client();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.get("/204").status, 204);
    EXPECT_EQ(client.get("/after").text(), "after");
    EXPECT_EQ(client.get("/304").status, 304);
    EXPECT_EQ(client.get("/after").text(), "after");
    EXPECT_EQ(client.request({.method = "HEAD", .target = "/head"}).status, 200);
    EXPECT_EQ(client.get("/after").text(), "after");
  }
}

TEST(BadAnswer, AnEarlyAnswerDoesNotLeaveARequestsRestForTheNext) {
  // Answers before the body has come, and keeps the connection open.
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    HttpRequest request;
    while (connection.read_head(request)) {
      connection.answer({.body = request.target}, request.method);
      if (!connection.read_body(request)) return;
    }
  });
  WeirProcess weir(R"(
      client_max_body_size 0;
      upstream group { server %app%; keepalive 4; }
      server { location / { proxy_pass http://group; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; } })",
                   {{"app", app.address()}});
  for (int i = 0; i < 10; ++i) {
    RawClient client = weir.connect();
    client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(1'000, 'x'));
    EXPECT_EQ(client.read_response().text(), "/early");
    client.close();
    EXPECT_EQ(weir.get("/" + std::to_string(i)).text(), "/" + std::to_string(i));
  }
}

TEST(BadAnswer, HostileBackendsUnderLoadDoNotTouchTheOthers) {
  FakeBackend good = FakeBackend::echoing("good");
  FakeBackend hostile = FakeBackend::scripted([](BackendConnection& connection) {
    static const std::string kKinds[] = {"",
                                         "nonsense\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                                         "HTTP/1.1 101 Switching\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"};
    HttpRequest request;
    if (!connection.read_request(request)) return;
    connection.send(kKinds[connection.number() % std::size(kKinds)]);
    if (connection.number() % 2 == 0) connection.reset();
  });
  WeirProcess weir(R"(
      server {
        location /load { proxy_pass http://%good%; }
        location /hostile { proxy_pass http://%hostile%; proxy_read_timeout 1s; }
      })",
                   {{"good", good.address()}, {"hostile", hostile.address()}});
  LoadGenerator load(weir.address());
  for (int i = 0; i < 60; ++i) {
    try {
      weir.get("/hostile");
    } catch (const std::runtime_error&) {
      // What this client sees is another test's business.
    }
  }
  ASSERT_TRUE(load.wait_for(200));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u) << result.summary();
}

}  // namespace
}  // namespace weir::test
