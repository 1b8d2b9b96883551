// TLS in stream: towards clients and towards backends, and whom a proxy in front names.
#include "../tls/tls_client.h"

#include "stream_world.h"
#include "support/certificates.h"

namespace weir::test {
namespace {

TEST(StreamTls, IsTerminatedAndTheServerIsChosenByName) {
  const Certificates pki;
  const Certificate one = pki.make("one.example"), two = pki.make("two.example");
  FakeBackend first = FakeBackend::answering(200, "first"), second = FakeBackend::answering(200, "second");
  WeirProcess weir(R"(
      server { listen %listen% ssl; server_name one.example; ssl_certificate %oc%; ssl_certificate_key %ok%;
               proxy_pass %first%; }
      server { listen %listen% ssl; server_name two.example; ssl_certificate %tc%; ssl_certificate_key %tk%;
               proxy_pass %second%; })",
                   {{"oc", one.certificate}, {"ok", one.key}, {"tc", two.certificate}, {"tk", two.key},
                    {"first", first.address()}, {"second", second.address()}},
                   in_stream());
  EXPECT_EQ(curl(weir, "one.example", "/", {"--cacert", one.certificate}).output, "first");
  EXPECT_EQ(curl(weir, "two.example", "/", {"--cacert", two.certificate}).output, "second");
  EXPECT_EQ(curl(weir, "unknown.example", "/").output, "first");
  RawClient plain(weir.address());
  plain.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(plain.closed_within());
  EXPECT_TRUE(weir.logs("while SSL handshaking, client: 127.0.0.1"));
}

TEST(StreamTls, CarriesMuchThroughBothSidesOfWeir) {
  const Certificates pki;
  const Certificate cert = pki.make("inner.example");
  const std::string body(3 << 20, 'b');
  FakeBackend app = FakeBackend::answering(200, body);
  WeirProcess weir(R"(
      server { listen %listen%; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate %cert%;
               proxy_ssl_name inner.example; proxy_ssl_server_name on; proxy_pass %listen2%; }
      server { listen %listen2% ssl; ssl_certificate %cert%; ssl_certificate_key %key%; proxy_pass %app%; }
      server { listen %listen3%; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate %cert%;
               proxy_ssl_name other.example; proxy_pass %listen2%; })",
                   {{"cert", cert.certificate}, {"key", cert.key}, {"app", app.address()}}, in_stream());
  const HttpResponse response = HttpClient(weir.address()).get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.text() == body);
  RawClient refused(weir.address("listen3"));
  EXPECT_TRUE(refused.closed_within());
  EXPECT_TRUE(weir.logs("while SSL handshaking to upstream, client: 127.0.0.1"));
}

TEST(StreamTls, ClientsHaveToShowACertificateWhereTheyMust) {
  const Certificates pki;
  const Certificate own = pki.make("server.example"), trusted = pki.make("client"), stranger = pki.make("stranger");
  FakeBackend app = FakeBackend::answering(200, "in");
  WeirProcess weir(R"(
      log_format who "$status $ssl_client_verify $ssl_protocol";
      server { listen %listen% ssl; ssl_certificate %cert%; ssl_certificate_key %key%;
               ssl_client_certificate %ca%; ssl_verify_client on; proxy_pass %app%;
               access_log %dir%/access.log who; })",
                   {{"cert", own.certificate}, {"key", own.key}, {"ca", trusted.certificate}, {"app", app.address()}},
                   in_stream());
  EXPECT_EQ(curl(weir, "server.example", "/", {"--cert", trusted.certificate, "--key", trusted.key}).output, "in");
  EXPECT_NE(curl(weir, "server.example", "/").output, "in");
  EXPECT_NE(curl(weir, "server.example", "/", {"--cert", stranger.certificate, "--key", stranger.key}).output, "in");
  EXPECT_TRUE(weir.accesses("200 SUCCESS TLSv1."));
  EXPECT_TRUE(weir.accesses("500 NONE TLSv1."));
  EXPECT_EQ(app.connection_count(), 1u);
}

TEST(StreamTls, BackendsAreOfferedTheProtocolsOfProxySslAlpn) {
  const Certificates pki;
  const Certificate cert = pki.make("inner.example");
  const Port port;
  const std::string output = pki.dir().path() / "s_server.log";
  // Without input s_server would end with its first client.
  ChildProcess server({"/bin/sh", "-c", "tail -f /dev/null | openssl s_server -accept " + std::to_string(port.number()) + " -cert " +
                       cert.certificate + " -key " + cert.key + " -alpn second,first"}, output);
  WeirProcess weir(R"(
      proxy_ssl on;
      server { listen %listen%; proxy_ssl_alpn first $proxy_protocol_addr second; proxy_pass %server%; }
      server { listen %listen2%; proxy_pass %server%; }
      server { listen %listen3%; proxy_ssl_alpn neither; proxy_pass %listen4%; }
      server { listen %listen4% ssl; ssl_certificate %cert%; ssl_certificate_key %key%; ssl_alpn other; return $ssl_alpn_protocol; }
      server { listen %listen5%; proxy_ssl_alpn neither other; proxy_pass %listen4%; })",
                   {{"server", port.address()}, {"cert", cert.certificate}, {"key", cert.key}}, in_stream());
  const auto says = [&](const char* listen, const std::string& what) {
    return wait_until([&] {
      RawClient client(weir.address(listen));
      client.send("hello\n");
      return wait_until([&] { return server.output().find(what) != std::string::npos; }, milliseconds(1000));
    });
  };
  EXPECT_TRUE(says("listen", "ALPN protocols selected: ")) << server.output() << weir.error_log();
  EXPECT_NE(server.output().find("advertised by the client: first, second\n"), std::string::npos) << server.output();
  const auto offers = [&] {
    const std::string text = server.output();
    std::size_t count = 0;
    for (std::size_t at = text.find("advertised"); at != text.npos; at = text.find("advertised", at + 1)) ++count;
    return count;
  };
  const std::size_t before = offers();
  EXPECT_TRUE(says("listen2", "hello"));
  EXPECT_EQ(offers(), before);
  RawClient refused(weir.address("listen3"));
  EXPECT_TRUE(refused.closed_within());
  EXPECT_TRUE(weir.logs("no application protocol")) << weir.error_log();
  EXPECT_EQ(RawClient(weir.address("listen5")).read_to_end().bytes, "other");
}

TEST(StreamProxyProtocol, NamesTheClientIfTheProxyIsTrusted) {
  WeirProcess weir(R"(
      server { listen %listen% proxy_protocol; set_real_ip_from 127.0.0.1;
               return "$remote_addr:$remote_port $realip_remote_addr $proxy_protocol_addr $proxy_protocol_server_port"; }
      server { listen %listen2% proxy_protocol; set_real_ip_from 10.0.0.0/8; return "$remote_addr $proxy_protocol_addr"; })",
                   {}, in_stream());
  const auto ask = [&](const std::string& where) {
    RawClient client(weir.address(where));
    client.send("PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n");
    return client.read_to_end().bytes;
  };
  EXPECT_EQ(ask("listen"), "192.0.2.7:1234 127.0.0.1 192.0.2.7 443");
  EXPECT_EQ(ask("listen2"), "127.0.0.1 192.0.2.7");
}

TEST(StreamProxyProtocol, SomethingElseEndsTheSession) {
  FakeBackend app = echo("app");
  WeirProcess weir(R"(
      log_format status "status $status";
      access_log %dir%/access.log status;
      server { listen %listen% proxy_protocol; proxy_pass %app%; })",
                   {{"app", app.address()}}, in_stream());
  RawClient client(weir.address());
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.accesses("status 400"));
  EXPECT_TRUE(weir.logs("broken header while reading PROXY protocol, client: 127.0.0.1"));
  EXPECT_EQ(app.connection_count(), 0u);
}

TEST(StreamProxyProtocol, MayStandBeforeTls) {
  const Certificates pki;
  const Certificate cert = pki.make("a.example");
  WeirProcess weir(R"(
      server { listen %listen%; proxy_protocol on; proxy_ssl on; proxy_pass %listen2%; }
      server { listen %listen2% ssl proxy_protocol; ssl_certificate %cert%; ssl_certificate_key %key%;
               return "$proxy_protocol_addr $ssl_protocol"; })",
                   {{"cert", cert.certificate}, {"key", cert.key}}, in_stream());
  RawClient client(weir.address());
  EXPECT_EQ(client.read_to_end().bytes.substr(0, 16), "127.0.0.1 TLSv1.");
}

}  // namespace
}  // namespace weir::test
