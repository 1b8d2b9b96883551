// proxy_protocol: what a backend is told of the client, as another Weir behind it understands it.
#include "stream_world.h"
#include "support/certificates.h"
#include "support/child_process.h"

namespace weir::test {
namespace {

constexpr const char* kAnswer = R"("$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port")";

std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

TEST(StreamProxyHeader, OfVersion1StandsBeforeTheOctets) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; proxy_protocol on; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  client.send("hello");
  const std::string expected = "app:PROXY TCP4 127.0.0.1 127.0.0.1 " + port_of(client.socket().local_address()) + " " +
                               port_of(weir.address()) + "\r\nhello";
  EXPECT_EQ(client.read_bytes(expected.size()), expected);
}

TEST(StreamProxyHeader, IsSentToABackendThatSpeaksFirst) {
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; proxy_protocol on; }", {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());  // says nothing
  EXPECT_EQ(client.read_bytes(15), "app:PROXY TCP4 ");
}

TEST(StreamProxyHeader, BothVersionsAreUnderstood) {
  WeirProcess inner("server { listen %listen% proxy_protocol; return 200 " + std::string(kAnswer) + "; }");
  WeirProcess weir(R"(
      server { proxy_pass %inner%; proxy_protocol on; }
      server { listen %listen2%; proxy_pass %inner%; proxy_protocol v2; }
      server { listen [::1]:%port%; proxy_pass %inner%; proxy_protocol v2; }
      server { listen unix:%dir%/socket; proxy_pass %inner%; proxy_protocol v2; })",
                   {{"inner", inner.address()}}, in_stream());
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const char* listen : {"listen", "listen2"}) {
    RawClient client(weir.address(listen));
    const std::string own = client.socket().local_address();
    EXPECT_EQ(client.ask(request).text(), own + " " + weir.address(listen));
  }
  const std::string six = RawClient("[::1]:" + weir.address("port")).ask(request).text();
  EXPECT_EQ(six.substr(0, 4), "::1:");
  EXPECT_TRUE(six.ends_with(" ::1:" + weir.address("port"))) << six;
  EXPECT_EQ(RawClient("unix:" + weir.dir().path().string() + "/socket").ask(request).text(), ": :");
}

TEST(StreamProxyHeader, ComesBeforeTheHandshakeThatPassesThrough) {
  const Certificates pki;
  const Certificate certificate = pki.make("localhost");
  WeirProcess inner("server { listen %listen% ssl proxy_protocol; ssl_certificate %c%; ssl_certificate_key %k%; return 200 "
                    "\"$proxy_protocol_addr $proxy_protocol_server_port $https\"; }",
                    {{"c", certificate.certificate}, {"k", certificate.key}});
  WeirProcess weir("server { proxy_pass %inner%; proxy_protocol v2; }", {{"inner", inner.address()}}, in_stream());
  const std::string port = port_of(weir.address());
  const RunResult result = run_program({"/usr/bin/curl", "-sk", "--max-time", "15", "https://127.0.0.1:" + port + "/"});
  EXPECT_EQ(result.output, "127.0.0.1 " + port + " on");
}

}  // namespace
}  // namespace weir::test
