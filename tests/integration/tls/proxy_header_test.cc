// A PROXY protocol header before the TLS handshake.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using namespace std::string_literals;

constexpr const char* kServer = R"(
    server { listen %listen% ssl proxy_protocol; ssl_certificate %c%; ssl_certificate_key %k%;
             set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
             return 200 "$remote_addr $proxy_protocol_server_port $https $ssl_protocol"; })";

/// What `openssl s_client` sends first, as it was recorded.
std::string client_hello() {
  std::ifstream file(WEIR_HELLOS "openssl_alpn", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string kBinary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x63\0\x50"s;

TEST(TlsProxyHeader, ComesFirstAndTheHandshakeAfterIt) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(kServer, {{"c", own.certificate}, {"k", own.key}});
  const std::string address = weir.address(), port = address.substr(address.rfind(':') + 1);
  EXPECT_EQ(curl(weir, "localhost", "/", {"--haproxy-protocol"}).output, "127.0.0.1 " + port + " on TLSv1.3");
  // Not encrypted, but announced in the right way.
  const HttpResponse plain = weir.connect().ask("PROXY TCP4 1.2.3.4 5.6.7.8 99 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(plain.status, 400);
  EXPECT_TRUE(weir.logs("client sent plain HTTP request to HTTPS port")) << weir.error_log();
}

TEST(TlsProxyHeader, MayArriveInAnyPiecesAndTogetherWithTheHello) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(kServer, {{"c", own.certificate}, {"k", own.key}});
  for (const std::string& header : {"PROXY TCP6 2001:db8::1 ::1 99 80\r\n"s, kBinary}) {
    RawClient together = weir.connect();
    together.send(header + client_hello());
    EXPECT_EQ(together.read_bytes(2), "\x16\x03");
    RawClient pieces = weir.connect();
    for (const char octet : header + client_hello()) pieces.send({&octet, 1});
    EXPECT_EQ(pieces.read_bytes(2), "\x16\x03");
  }
}

TEST(TlsProxyHeader, WithoutItNobodyIsServed) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir("client_header_timeout 300ms;" + std::string(kServer), {{"c", own.certificate}, {"k", own.key}});
  EXPECT_NE(curl(weir, "localhost", "/").exit_code, 0);
  EXPECT_TRUE(weir.logs("broken PROXY protocol header, client: 127.0.0.1")) << weir.error_log();
  RawClient silent = weir.connect(), half = weir.connect(), gone = weir.connect();
  half.send("PROXY TCP4 1.2");
  gone.send(kBinary.substr(0, 20));
  gone.shutdown_send();
  EXPECT_TRUE(silent.closed_within());
  EXPECT_TRUE(half.closed_within());
  EXPECT_TRUE(gone.closed_within());
}

}  // namespace
}  // namespace weir::test
