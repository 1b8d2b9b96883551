// What Weir tells about itself.
#include <gtest/gtest.h>

#include <cctype>
#include <cstring>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// The numbers in `text`, in their order.
std::vector<int> numbers(const std::string& text) {
  std::vector<int> found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!std::isdigit(static_cast<unsigned char>(text[i]))) continue;
    std::size_t length = 0;
    found.push_back(std::stoi(text.substr(i), &length));
    i += length;
  }
  return found;
}

TEST(StubStatus, IsNginxsPage) {
  WeirProcess weir("server { location /status { stub_status; } }", {}, {.workers = 1});
  const HttpResponse answer = weir.get("/status");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Type"), "text/plain");
  EXPECT_EQ(answer.text(),
            "Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n");
  EXPECT_EQ(weir.request({.method = "HEAD", .target = "/status"}).text(), "");
  EXPECT_EQ(weir.request({.method = "POST", .target = "/status"}).status, 405);
}

TEST(StubStatus, CountsConnectionsByWhatTheyDo) {
  WeirProcess weir(R"(
      server {
        location /status { stub_status on; add_header X-Waiting $connections_waiting; }
        location / { return 200 ok; }
        location /inner { stub_status; location /inner/other { return 200 other; } }
      })");
  const auto states = [&] {  // reading, writing, waiting
    const std::vector<int> all = numbers(weir.get("/status").text());
    return std::vector<int>(all.end() - 3, all.end());
  };
  using Expected = std::vector<int>;
  RawClient client = weir.connect();
  EXPECT_TRUE(wait_until([&] { return states() == Expected({0, 1, 1}); })) << "a new one waits";
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(wait_until([&] { return states() == Expected({1, 1, 0}); })) << "then it is read";
  client.send("Host: a\r\n\r\n");
  EXPECT_EQ(client.read_response().text(), "ok");
  EXPECT_TRUE(wait_until([&] { return states() == Expected({0, 1, 1}); })) << "and waits again";
  EXPECT_TRUE(wait_until([&] { return weir.get("/status").field("X-Waiting") == "1"; }));
  client.close();
  EXPECT_TRUE(wait_until([&] { return states() == Expected({0, 1, 0}); }));
  EXPECT_EQ(weir.get("/inner/other").text(), "other");
}

/// Whether `json` says `"key":value` somewhere.
bool says(const std::string& json, const std::string& key, const std::string& value) {
  const std::string member = "\"" + key + "\":" + value;
  for (auto at = json.find(member); at != json.npos; at = json.find(member, at + 1))
    if (const std::size_t end = at + member.size(); end < json.size() && std::strchr(",}]", json[end])) return true;
  return false;
}

TEST(WeirStatus, TellsOfConnectionsRequestsAndServers) {
  WEIR_ONLY("its own");
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      upstream group { least_conn; server %app% weight=3; server 127.0.0.1:1 backup; server 127.0.0.2:1 down; }
      server { location /status { weir_status; } location / { proxy_pass http://group; } })",
                   {{"app", app.address()}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(weir.get("/").status, 200);
  HttpResponse answer;
  // The other worker may be at the end of a request that was answered already.
  EXPECT_TRUE(wait_until([&] { return says((answer = weir.get("/status")).text(), "writing", "1"); })) << answer.text();
  EXPECT_EQ(answer.field("Content-Type"), "application/json");
  const std::string json = answer.text();
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"requests", "5"}, {"workers", "2"}, {"generation", "1"},
           {"method", "\"least_conn\""}, {"address", "\"" + app.address() + "\""}, {"weight", "3"},
           {"backup", "true"}, {"state", "\"up\""}, {"state", "\"down\""}, {"members", "3"}, {"all_failed", "false"}})
    EXPECT_TRUE(says(json, key, value)) << key << "\n" << json;
  EXPECT_EQ(weir.request({.method = "POST", .target = "/status"}).status, 405);
}

TEST(WeirStatus, TellsOfUpstreamsOfStreamToo) {
  WEIR_ONLY("its own");
  WeirProcess weir("daemon off; pid %dir%/weir.pid; error_log %dir%/error.log; events { }"
                   " stream { upstream raw { server 127.0.0.1:1 weight=7; } server { listen %listen2%; proxy_pass raw; } }"
                   " http { access_log off; server { listen %listen%; location / { weir_status; } } }",
                   {}, {.whole_file = true});
  const std::string json = weir.get("/").text();
  EXPECT_NE(json.find("\"stream_upstreams\":{\"raw\":{"), json.npos) << json;
  EXPECT_TRUE(says(json, "weight", "7")) << json;
}

TEST(WeirStatus, CountsWhatIsRefusedByReason) {
  WEIR_ONLY("its own");
  WeirProcess weir(R"(
      limit_req_zone $uri zone=one:1m rate=1r/m;
      client_max_body_size 10;
      server {
        location /status { weir_status; }
        location / { return 200 ok; }
        location /closed { deny all; }
        location /seldom { limit_req zone=one; proxy_pass http://127.0.0.1:1; }
        location /upload { proxy_pass http://127.0.0.1:1; }
      })");
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"host", "GET / HTTP/1.1\r\n\r\n"},
      {"request_line", "GET / HTTP/9.9\r\nHost: a\r\n\r\n"},
      {"framing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"fields", "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n"},
      {"head_size", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"},
      {"target", "GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"body_size", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"},
      {"body_framing", "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"},
      {"access", "GET /closed HTTP/1.1\r\nHost: a\r\n\r\n"},
  };
  EXPECT_EQ(weir.get("/").status, 200);
  for (const auto& [reason, octets] : requests) {
    EXPECT_TRUE(says(weir.get("/status").text(), reason, "0")) << reason;
    RawClient client = weir.connect();
    client.send(octets);
    EXPECT_GE(client.read_response_head().status, 400) << reason;
    EXPECT_TRUE(says(weir.get("/status").text(), reason, "1")) << reason << "\n" << weir.get("/status").text();
  }
  EXPECT_EQ(weir.get("/seldom").status, 502);
  EXPECT_EQ(weir.get("/seldom").status, 503);
  EXPECT_TRUE(says(weir.get("/status").text(), "limit_req", "1"));
}

}  // namespace
}  // namespace weir::test
