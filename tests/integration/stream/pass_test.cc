// pass: connections given to other listening addresses of the same process.
#include <csignal>

#include "../tls/tls_client.h"

#include "stream_world.h"
#include "support/certificates.h"
#include "support/udp.h"

namespace weir::test {
namespace {

constexpr const char* kAsk = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A whole configuration with both protocols.
std::string both(const std::string& stream, const std::string& http) {
  return "daemon off; pid %dir%/weir.pid; error_log %dir%/error.log info; worker_processes 2; events {}\n"
         "stream {\n" + stream + "\n}\nhttp { access_log %dir%/access.log;\n" + http + "\n}\n";
}

WeirOptions whole_file() {
  WeirOptions options;
  options.whole_file = true;
  return options;
}

TEST(StreamPass, WhatWasEncryptedIsServedAsHttp) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(both("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; pass %listen2%; }",
                        "server { listen %listen2%; return 200 \"$scheme $https $ssl_protocol $server_addr:$server_port $remote_addr\"; }"),
                   {{"c", own.certificate}, {"k", own.key}}, whole_file());
  const std::string expected = "https on TLSv1.3 " + weir.address("listen2") + " 127.0.0.1";
  // Twice on one connection.
  EXPECT_EQ(curl(weir, "localhost", "/", {"--cacert", own.certificate, "--next", "-s", "--cacert", own.certificate, "--resolve",
                                          "localhost:" + weir.address().substr(weir.address().rfind(':') + 1) + ":127.0.0.1",
                                          "https://localhost:" + weir.address().substr(weir.address().rfind(':') + 1) + "/"}).output,
            expected + expected);
  EXPECT_TRUE(weir.logs("client passed to " + weir.address("listen2")));
}

TEST(StreamPass, WhatWasOnlyLookedAtIsPassedWhole) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(both(R"(
      log_format line "$status"; access_log %dir%/stream.log line;
      map $ssl_preread_server_name $where { "" %listen2%; default %listen3%; }
      server { listen %listen%; ssl_preread on; pass $where; })",
                        R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen2%; listen %listen3% ssl; return 200 "$scheme $ssl_server_name"; })"),
                   {{"c", own.certificate}, {"k", own.key}}, whole_file());
  EXPECT_EQ(weir.get("/").body.text(), "http ");
  EXPECT_EQ(curl(weir, "localhost", "/", {"--cacert", own.certificate}).output, "https localhost");
  RawClient in_pieces(weir.address());
  for (const char octet : std::string_view(kAsk)) in_pieces.send({&octet, 1});
  EXPECT_EQ(in_pieces.read_response().body.text(), "http ");
  EXPECT_EQ(weir.dir().read("stream.log"), "");  // what became of it is told where it went
}

TEST(StreamPass, ServersPassToEachOtherAndToWildcardsAndUnixSockets) {
  FakeBackend app = echo("app");
  WeirProcess weir(R"(
      server { listen %listen%; pass %listen2%; }
      server { listen %listen2%; pass 127.0.0.1:%port%; }
      server { listen %port%; pass unix:%dir%/inner; }
      server { listen unix:%dir%/inner; proxy_pass %app%; }
      server { listen %listen3%; return "$server_addr:$server_port"; }
      server { listen %listen4%; pass %listen3%; })",
                   {{"app", app.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "hi", 6), "app:hi");
  EXPECT_EQ(say(weir.address("listen4"), "", 99), weir.address("listen3"));
}

TEST(StreamPass, BulkGoesThroughAsIfItHadComeThere) {
  const std::string body(3 << 20, 'b');
  FakeBackend app = FakeBackend::answering(200, body);
  WeirProcess weir("server { listen %listen%; pass %listen2%; } server { listen %listen2%; proxy_pass %app%; }",
                   {{"app", app.address()}}, in_stream());
  EXPECT_TRUE(HttpClient(weir.address()).get("/").body.text() == body);
}

TEST(StreamPass, WhatAProxyInFrontSaidGoesAlong) {
  WeirProcess weir(both("set_real_ip_from 127.0.0.1; server { listen %listen% proxy_protocol; pass %listen2%; }"
                        "server { listen %listen3% proxy_protocol; pass %listen4%; }",
                        R"(server { listen %listen2%; listen %listen4% proxy_protocol;
                                    return 200 "$remote_addr $proxy_protocol_addr $proxy_protocol_port"; })"),
                   {}, whole_file());
  RawClient client(weir.address());
  EXPECT_EQ(client.ask("PROXY TCP4 192.0.2.1 192.0.2.2 77 80\r\n" + std::string(kAsk)).body.text(), "192.0.2.1 192.0.2.1 77");
  RawClient twice(weir.address("listen3"));
  EXPECT_EQ(twice.ask("PROXY TCP4 192.0.2.1 192.0.2.2 77 80\r\nPROXY TCP4 192.0.2.8 192.0.2.2 78 80\r\n" + std::string(kAsk)).body.text(),
            "192.0.2.1 192.0.2.8 78");
}

TEST(StreamPass, TheLimitsOfTheServerThatPassedHoldAsLongAsTheConnection) {
  WeirProcess weir(both("limit_conn_zone $binary_remote_addr zone=places:1m;"
                        "server { listen %listen%; limit_conn places 1; pass %listen2%; }",
                        "server { listen %listen2%; return 200 ok; }"),
                   {}, whole_file());
  RawClient first(weir.address());
  EXPECT_EQ(first.ask(kAsk).body.text(), "ok");
  RawClient second(weir.address());
  EXPECT_TRUE(second.closed_within());
  EXPECT_EQ(first.ask(kAsk).body.text(), "ok");
  first.close();
  EXPECT_TRUE(wait_until([&] {
    RawClient next(weir.address());
    next.send(kAsk);
    return next.read_bytes(8) == "HTTP/1.1";
  }));
}

TEST(StreamPass, WhatCannotBePassedEndsAndSaysWhy) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      log_format line "$server_port $status"; access_log %dir%/access.log line;
      server { listen %listen%; set $nowhere 127.0.0.1:1; pass $nowhere; }
      server { listen %listen2%; pass %listen2%; }
      server { listen %listen3%; set $name localhost:80; pass $name; }
      server { listen %listen4% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_preread on; pass %listen%; }
      server { listen %listen5% udp; pass %listen%; })",
                   {{"c", own.certificate}, {"k", own.key}}, in_stream());
  const auto closes = [&](const std::string& listen) { return RawClient(weir.address(listen)).closed_within(); };
  EXPECT_TRUE(closes("listen"));
  EXPECT_TRUE(weir.logs("port not found for \"127.0.0.1:1\" while passing connection to port, client: 127.0.0.1"));
  EXPECT_TRUE(closes("listen2"));
  EXPECT_TRUE(weir.logs("stream pass cycle"));
  EXPECT_TRUE(closes("listen3"));
  EXPECT_TRUE(weir.logs("no addresses in pass \"localhost:80\""));
  curl(weir, "localhost", "/", {}, "listen4");
  EXPECT_TRUE(weir.logs("cannot pass connection with preread data"));
  udp_client(weir.address("listen5")).send("x");
  EXPECT_TRUE(weir.logs("cannot pass udp connection"));
  const auto line = [&](const std::string& listen, const std::string& status) {
    return weir.accesses(weir.address(listen).substr(weir.address(listen).rfind(':') + 1) + " " + status + "\n");
  };
  EXPECT_TRUE(line("listen", "200") && line("listen2", "500") && line("listen3", "500") && line("listen4", "500") &&
              line("listen5", "500"))
      << weir.access_log();
}

TEST(StreamPass, APassedConnectionOutlivesAReloadAndEndsInOrder) {
  const std::string stream = "server { listen %listen%; pass %listen2%; }";
  WeirProcess weir(both(stream, "server { listen %listen2%; return 200 before; }"), {}, whole_file());
  RawClient client(weir.address());
  EXPECT_EQ(client.ask(kAsk).body.text(), "before");
  weir.reload(both(stream, "server { listen %listen2%; return 200 after; }"));
  EXPECT_TRUE(wait_until([&] { return client.ask(kAsk).body.text() == "after"; }));
  weir.signal(SIGQUIT);
  EXPECT_TRUE(client.closed_within());
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

TEST(StreamPass, ConfigurationsAreChecked) {
  const auto verdict = [](const std::string& server) {
    return test_config("events {} stream { server { listen 127.0.0.1:9; " + server + " } }").output;
  };
  const auto has = [&](const std::string& server, const std::string& text) {
    const std::string output = verdict(server);
    return output.find(text) != output.npos ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << output;
  };
  EXPECT_TRUE(has("pass localhost:80;", "no addresses in pass \"localhost:80\""));
  EXPECT_TRUE(has("pass 127.0.0.1;", "no port in pass \"127.0.0.1\""));
  EXPECT_TRUE(has("pass 127.0.0.1:9; pass 127.0.0.1:9;", "\"pass\" directive is duplicate"));
  EXPECT_TRUE(has("pass 127.0.0.1:10;", "no server listens on 127.0.0.1:10, where this one passes connections to"));
  EXPECT_FALSE(has("pass 127.0.0.1:9;", "no server listens"));
}

}  // namespace
}  // namespace weir::test
