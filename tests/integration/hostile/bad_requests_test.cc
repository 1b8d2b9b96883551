// Requests that must be refused: each is answered as its fault deserves or dropped, the connection ends, no backend
// hears of it, and other clients are served as before.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

using namespace std::string_literals;

struct Bad {
  const char* what;
  std::string bytes;
  std::vector<int> statuses = {400};  // 0: closing without an answer is right too
};

class BadRequest : public ::testing::Test {
 protected:
  /// `bytes` is followed by a request for /smuggled, which nobody may see as one.
  void expect_refused(const Bad& bad) {
    SCOPED_TRACE(bad.what);
    RawClient client = weir_.connect();
    client.send(bad.bytes);
    const RawClient::Rest rest = client.read_to_end(milliseconds(4'000));
    EXPECT_NE(rest.end, IoStatus::Timeout) << "the connection stays open";
    int status = 0;
    if (rest.bytes.size() >= 12) status = std::stoi(rest.bytes.substr(9, 3));
    EXPECT_TRUE(std::ranges::find(bad.statuses, status) != bad.statuses.end())
        << "got: " << rest.bytes.substr(0, 300);
    EXPECT_EQ(rest.bytes.find("HTTP/1.", 8), std::string::npos) << "more than one answer: " << rest.bytes;
    EXPECT_EQ(app_.request_count(), 0u) << "the backend was asked: "
                                        << (app_.requests().empty() ? "" : app_.last_request().raw_head);
    app_.forget();
  }
  void expect_refused(const std::vector<Bad>& all) {
    for (const Bad& bad : all) expect_refused(bad);
    EXPECT_EQ(weir_.get("/fresh").text(), "app GET /fresh");
    app_.forget();
  }
  void expect_taken(const char* what, const std::string& bytes, const std::string& target) {
    SCOPED_TRACE(what);
    RawClient client = weir_.connect();
    EXPECT_EQ(client.ask(bytes).status, 200);
    EXPECT_EQ(app_.last_request().target, target);
  }

  FakeBackend app_ = FakeBackend::echoing("app");
  WeirProcess weir_{R"(
      client_header_timeout 2s;
      server { location / { proxy_pass http://%app%; } })",
                    {{"app", app_.address()}}};
};

const std::string kNext = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(BadRequest, RequestLines) {
  expect_refused({
      {"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s},
      {"words", "this is not http\r\n\r\n"},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"tab as a separator", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n"},
      {"leading space", " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a method with a separator", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s},
      {"a relative target", "GET path HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"version 2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", {400, 505}},
      {"version 3.7", "GET / HTTP/3.7\r\nHost: x\r\n\r\n", {400, 505}},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"a bad escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"an escaped NUL", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501}},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400, 505}},
      {"a PROXY line on a plain port", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
  });
  if (testing_nginx()) return;
  expect_refused({
      {"no version", "GET /\r\nHost: x\r\n\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"version 1.10", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", {400, 505}},
  });
}

TEST_F(BadRequest, FieldLines) {
  expect_refused({
      {"an empty name", "GET / HTTP/1.1\r\nHost: x\r\n: value\r\n\r\n"},
      {"space before the colon", "GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n"},
      {"space before the colon of a length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello"},
      {"space in a name", "GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n"},
      {"NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n"s},
      {"CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n"},
      {"a folded line", "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n"},
      {"a first line that is folded", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
  });
  if (!testing_nginx()) {
    expect_refused({
        {"no colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"},
    });
  }
}

// RFC 9112 2.2 allows to take an LF alone as the end of a line in a head; what is forwarded is written anew with
// CRLF, which FakeBackend insists on. A CR alone ends nothing.
TEST_F(BadRequest, LineFeedsAloneEndLinesOfHeadsAndAreMended) {
  expect_taken("after the request line", "GET /1 HTTP/1.1\nHost: x\r\n\r\n", "/1");
  expect_taken("after a field", "GET /2 HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n", "/2");
  EXPECT_EQ(app_.last_request().field("X-A"), "b");
  expect_taken("at the end of the head", "GET /3 HTTP/1.1\r\nHost: x\r\n\n", "/3");
  expect_taken("everywhere", "GET /4 HTTP/1.1\nHost: x\n\n", "/4");
  app_.forget();
  expect_refused({
      {"CR alone after the request line", "GET / HTTP/1.1\rHost: x\r\n\r\n"},
      {"CR alone after a field", "GET / HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n"},
      {"CR CR LF", "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n"},
  });
}

TEST_F(BadRequest, Hosts) {
  expect_refused({
      {"none", "GET / HTTP/1.1\r\n\r\n"},
      {"two", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"two that agree", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"a path in it", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"NUL in it", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s},
  });
  if (testing_nginx()) return;
  expect_refused({
      {"user information", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
      {"a port that is a word", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n"},
      {"an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {"a query", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"},
      {"a backslash", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n"},
      {"a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"octets above 127", "GET / HTTP/1.1\r\nHost: caf\xc3\xa9\r\n\r\n"},
  });
}

TEST_F(BadRequest, Framing) {
  const auto post = [](const std::string& fields, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
  };
  expect_refused({
      {"length beside chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kNext)},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello" + kNext)},
      {"a negative length", post("Content-Length: -1\r\n", kNext)},
      {"a signed length", post("Content-Length: +5\r\n", "hello" + kNext)},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n", "hello" + kNext)},
      {"an empty length", post("Content-Length: \r\n", kNext)},
      {"a length with a tail", post("Content-Length: 5 apples\r\n", "hello" + kNext)},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello" + kNext)},
      {"an unknown coding", post("Transfer-Encoding: cow\r\n", kNext), {400, 501}},
      {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n" + kNext), {400, 501}},
      {"chunked not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n" + kNext), {400, 501}},
      {"identity", post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello" + kNext), {400, 501}},
      {"two codings fields",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n" + kNext),
       {400, 501}},
      {"a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n" + kNext), {400, 501}},
      {"a vertical tab before the coding",
       post("Transfer-Encoding: \x0b"s + "chunked\r\n", "0\r\n\r\n" + kNext),
       {400, 501}},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kNext},
  });
  if (!testing_nginx()) {
    expect_refused({
        {"chunked beside length", post("Transfer-Encoding: chunked\r\nContent-Length: 50\r\n", "0\r\n\r\n" + kNext)},
    });
  }
}

TEST_F(BadRequest, Chunks) {
  const auto chunked = [](const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
  };
  expect_refused({
      {"no number", chunked("x\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"a negative size", chunked("-5\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"a 0x prefix", chunked("0x5\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"an empty size", chunked("\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"a size beyond 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n" + kNext), {400, 413}},
      {"more data than announced", chunked("5\r\nhello world\r\n0\r\n\r\n" + kNext)},
  });
  if (testing_nginx()) return;
  expect_refused({
      {"LF after the size", chunked("5\nhello\r\n0\r\n\r\n" + kNext)},
      {"LF after the data", chunked("5\r\nhello\n0\r\n\r\n" + kNext)},
      {"LF after the last size", chunked("5\r\nhello\r\n0\n\r\n" + kNext)},
      {"space before the size", chunked(" 5\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"LF in an extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"a bad trailer", chunked("5\r\nhello\r\n0\r\nno colon\r\n\r\n" + kNext)},
      {"an endless extension", chunked("5;" + std::string(100'000, 'e') + "\r\nhello\r\n0\r\n\r\n" + kNext)},
      {"endless trailers",
       chunked("5\r\nhello\r\n0\r\nX: " + std::string(100'000, 't') + "\r\n\r\n" + kNext),
       {400, 431}},
  });
}

TEST_F(BadRequest, HeadsOverTheLimits) {
  const std::string many = [] {
    std::string fields;
    for (int i = 0; i < 2'000; ++i) fields += "X-Field-" + std::to_string(i) + ": " + std::string(30, 'v') + "\r\n";
    return fields;
  }();
  const std::vector<int> long_line{414};
  const std::vector<int> long_fields = testing_nginx() ? std::vector{400} : std::vector{431};
  expect_refused({
      {"a long target", "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", long_line},
      {"a target without end", "GET /" + std::string(200'000, 'a'), long_line},
      {"a long field", "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(9'000, 'c') + "\r\n\r\n", long_fields},
      {"a field without end", "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(200'000, 'c'), long_fields},
      {"a name without end", "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(200'000, 'n'), long_fields},
      {"many fields", "GET / HTTP/1.1\r\nHost: x\r\n" + many + "\r\n", {400, 431}},
  });
}

TEST(HeadLimits, FollowLargeClientHeaderBuffers) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      client_header_buffer_size 1k;
      large_client_header_buffers 4 2k;
      server { location / { proxy_pass http://%app%; } })",
                   {{"app", app.address()}});
  EXPECT_EQ(weir.get("/" + std::string(1'900, 'a')).status, 200);
  EXPECT_EQ(weir.get("/" + std::string(2'100, 'a')).status, 414);
  EXPECT_EQ(weir.get("/", {{"X-A", std::string(1'900, 'a')}}).status, 200);
  EXPECT_EQ(weir.get("/", {{"X-A", std::string(2'100, 'a')}}).status, testing_nginx() ? 400 : 431);
}

TEST_F(BadRequest, UnusualButValidRequestsAreTaken) {
  expect_taken("an empty value", "GET /1 HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n", "/1");
  expect_taken("spaces around a value", "GET /2 HTTP/1.1\r\nHost:   x  \r\n\r\n", "/2");
  expect_taken("a method of its own", "M-SEARCH /3 HTTP/1.1\r\nHost: x\r\n\r\n", "/3");
  expect_taken("an IPv6 host", "GET /4 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/4");
  expect_taken("upper-case chunked",
               "POST /5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n00005\r\nhello\r\n0\r\n\r\n", "/5");
  expect_taken(
      "a long list of fields",
      "GET /6 HTTP/1.1\r\nHost: x\r\n" +
          [] {
            std::string fields;
            for (int i = 0; i < 60; ++i) fields += "X-" + std::to_string(i) + ": " + std::to_string(i) + "\r\n";
            return fields;
          }() +
          "\r\n",
      "/6");
  expect_taken("a sub-delimiter target", "GET /7;a=b?c=d&e=[f]|g HTTP/1.1\r\nHost: x\r\n\r\n", "/7;a=b?c=d&e=[f]|g");
}

TEST(TruncatedRequests, ReachNoBackendAsWholeOnes) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_http_version 1.1; proxy_request_buffering off; }
      })",
                   {{"app", app.address()}});
  for (const std::string target : {"/", "/stream"}) {
    for (const bool reset : {false, true}) {
      for (const std::string body :
           {"Content-Length: 100\r\n\r\nonly a part", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "Transfer-Encoding: chunked\r\n\r\n50\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"}) {
        SCOPED_TRACE(target + " " + body);
        RawClient client = weir.connect();
        client.send("POST " + target + " HTTP/1.1\r\nHost: x\r\n" + body);
        if (target == "/stream") {
          EXPECT_TRUE(wait_until([&] { return app.open_connections() != 0; }));
        }
        if (reset)
          client.reset();
        else
          client.close();
        EXPECT_TRUE(wait_until([&] { return app.open_connections() == 0; }));
      }
    }
  }
  for (const HttpRequest& request : app.requests())
    EXPECT_FALSE(request.complete) << request.raw_head << request.body.text();
  EXPECT_EQ(weir.get("/").status, 200);
}

TEST(TruncatedRequests, HeadsCutAnywhereReachNoBackend) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  const std::string wire = to_wire({.target = "/cut", .fields = {{"X-A", "b"}}});
  for (std::size_t at = 0; at < wire.size(); ++at) {
    RawClient client = weir.connect();
    client.send(wire.substr(0, at));
    client.shutdown_send();
    EXPECT_TRUE(client.closed_within()) << "cut at " << at;
  }
  EXPECT_EQ(app.request_count(), 0u);
  EXPECT_EQ(weir.get("/").status, 200);
}

TEST(Garbage, RandomOctetsNeitherCrashNorReachABackend) {
  FakeBackend app = FakeBackend::answering(200);
  app.allow_malformed_requests();
  WeirProcess weir("client_header_timeout 2s; server { location / { proxy_pass http://%app%; } }",
                   {{"app", app.address()}});
  std::uint32_t state = 12'345;
  const auto random = [&] { return (state = state * 1'664'525 + 1'013'904'223) >> 8; };
  const std::string valid = to_wire({.method = "POST",
                                     .target = "/a?b",
                                     .fields = {{"X-A", "b"}, {"Cookie", "c=d"}},
                                     .body = "hello",
                                     .chunked = true});
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    if (round % 3 == 0) {
      for (unsigned i = 0, size = random() % 2'000; i < size; ++i) bytes += static_cast<char>(random());
    } else {  // a valid request with a few octets changed, added or dropped
      bytes = valid + valid;
      for (unsigned i = 0, changes = 1 + random() % 4; i < changes; ++i) {
        const std::size_t at = random() % bytes.size();
        switch (random() % 3) {
          case 0:
            bytes[at] = static_cast<char>(random());
            break;
          case 1:
            bytes.insert(at, 1, "\r\n :;\0,\t"[random() % 8]);
            break;
          case 2:
            bytes.erase(at, 1 + random() % 3);
            break;
        }
      }
    }
    RawClient client = weir.connect();
    client.send(bytes);
    client.shutdown_send();
    EXPECT_TRUE(client.closed_within()) << "round " << round;
    ASSERT_TRUE(weir.running()) << "round " << round;
  }
  EXPECT_EQ(weir.get("/").status, 200);
  EXPECT_TRUE(app.protocol_errors().empty()) << app.protocol_errors().front();
}

}  // namespace
}  // namespace weir::test
