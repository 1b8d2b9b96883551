// TLS to backends: whom Weir talks to, and whom it refuses to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/fake_backend.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

// The backends are servers of the same process; openssl's own server is asked below.
constexpr const char* kBackend = R"(
    server { listen %listen_tls% ssl; server_name localhost; ssl_certificate %c%; ssl_certificate_key %k%;
             ssl_verify_client optional_no_ca; ssl_client_certificate %ca%;
             location / { return 200 "sni=$ssl_server_name host=$host client=$ssl_client_s_dn reused=$ssl_session_reused n=$connection"; } }
)";

class TlsBackend : public testing::Test {
 protected:
  Certificates pki;
  Certificate ca = pki.make("ca", {.authority = true});
  Certificate own = pki.make("localhost", {.signer = &ca});
  Certificate client = pki.make("weir", {.signer = &ca});
  Values values() const {
    return {{"c", own.certificate}, {"k", own.key}, {"ca", ca.certificate}, {"cc", client.certificate}, {"ck", client.key}};
  }
};

TEST_F(TlsBackend, IsVerifiedByNameAndAuthority) {
  const Certificate stranger = pki.make("stranger", {.authority = true});
  Values all = values();
  all["stranger"] = stranger.certificate;
  WeirProcess weir(std::string(kBackend) + R"(
      proxy_ssl_verify on; proxy_ssl_trusted_certificate %ca%; proxy_ssl_name localhost;
      server {
        location /good     { proxy_pass https://%listen_tls%; }
        location /sni      { proxy_pass https://%listen_tls%; proxy_ssl_server_name on; }
        location /name     { proxy_pass https://%listen_tls%; proxy_ssl_name elsewhere.example; }
        location /ca       { proxy_pass https://%listen_tls%; proxy_ssl_trusted_certificate %stranger%; }
        location /shown    { proxy_pass https://%listen_tls%; proxy_ssl_certificate %cc%; proxy_ssl_certificate_key %ck%; }
        location /variable { set $to https; proxy_pass $to://%listen_tls%; }
      })", all);
  EXPECT_THAT(weir.get("/good").text(), HasSubstr("sni= host=127.0.0.1 client= "));
  EXPECT_THAT(weir.get("/sni").text(), HasSubstr("sni=localhost "));
  EXPECT_THAT(weir.get("/shown").text(), HasSubstr("client=CN=weir,O=Weir "));
  EXPECT_THAT(weir.get("/variable").text(), HasSubstr("host=127.0.0.1"));
  EXPECT_EQ(weir.get("/name").status, 502);
  EXPECT_TRUE(weir.logs("upstream SSL certificate does not match \"elsewhere.example\" while SSL handshaking to upstream"))
      << weir.error_log();
  EXPECT_TRUE(weir.logs("upstream: \"https://" + weir.address("listen_tls") + "/name\""));
  EXPECT_EQ(weir.get("/ca").status, 502);
  EXPECT_TRUE(weir.logs("upstream SSL certificate verify error: (20:")) << weir.error_log();
}

TEST_F(TlsBackend, ConnectionsAndSessionsAreKeptForTheSameNameAndCertificateOnly) {
  WeirProcess weir(std::string(kBackend) + R"(
      upstream app { server %listen_tls%; keepalive 8; }
      upstream app_once { server %listen_tls%; keepalive 0; }
      proxy_ssl_server_name on; proxy_ssl_name $arg_name;
      server {
        location /kept  { proxy_pass https://app; }
        location /shown { proxy_pass https://app; proxy_ssl_certificate %cc%; proxy_ssl_certificate_key %ck%; }
        location /once  { proxy_pass https://app_once; }
        location /fresh { proxy_pass https://app_once; proxy_ssl_session_reuse off; }
      })", values(), {.workers = 1});
  const auto number = [&](const std::string& target) {
    const std::string text = weir.get(target).text();
    return text.substr(text.find(" n="));
  };
  const std::string a = number("/kept?name=a");
  EXPECT_EQ(number("/kept?name=a"), a);
  const std::string b = number("/kept?name=b");
  EXPECT_NE(b, a);
  const std::string shown = number("/shown?name=a");
  EXPECT_NE(shown, a);
  EXPECT_EQ(number("/kept?name=a"), a);
  EXPECT_EQ(number("/shown?name=a"), shown);

  EXPECT_THAT(weir.get("/once?name=c").text(), HasSubstr("reused=."));
  EXPECT_THAT(weir.get("/once?name=c").text(), HasSubstr("reused=r"));
  EXPECT_THAT(weir.get("/once?name=d").text(), HasSubstr("reused=."));
  weir.get("/fresh?name=c");
  EXPECT_THAT(weir.get("/fresh?name=c").text(), HasSubstr("reused=."));
}

TEST_F(TlsBackend, OctetsBeforeTheHandshakeEndIt) {
  FakeBackend plain = FakeBackend::scripted([](BackendConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    connection.hold();
  });
  WeirProcess weir("server { location / { proxy_pass https://%app%; } }", {{"app", plain.address()}});
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_TRUE(weir.logs("SSL_do_handshake() failed (SSL: error:")) << weir.error_log();
}

TEST_F(TlsBackend, OfAnotherMakeIsServedToo) {
  const Port port;
  const std::string output = pki.dir().path() / "s_server.log";
  ChildProcess server({"/usr/bin/openssl", "s_server", "-accept", std::to_string(port.number()), "-cert", own.certificate, "-key",
                       own.key, "-www", "-quiet"}, output);
  WeirProcess weir(R"(
      server { location / { proxy_pass https://%app%; proxy_ssl_verify on; proxy_ssl_trusted_certificate %ca%;
                            proxy_ssl_name localhost; proxy_next_upstream off; } })",
                   {{"app", port.address()}, {"ca", ca.certificate}});
  EXPECT_TRUE(wait_until([&] { return weir.get("/").status == 200; })) << weir.error_log() << server.output();
  EXPECT_THAT(weir.get("/").text(), HasSubstr("TLSv1.3"));
}

TEST_F(TlsBackend, WithoutVerificationIsWarnedOf) {
  const RunResult result = test_config("events {} http { server { location / { proxy_pass https://127.0.0.1:1; } } }");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("are not verified"));
}

}  // namespace
}  // namespace weir::test
