// TLS towards clients: names, certificates, versions, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/fake_backend.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(Tls, ShowsTheCertificateOfTheNameThatTheClientAsksFor) {
  const Certificates pki;
  const Certificate exact = pki.make("exact.example"), wild = pki.make("*.wild.example", {}, "wild"),
                    regex = pki.make("a7.regex.example"), other = pki.make("other.example");
  WeirProcess weir(R"(
      server { listen %listen% ssl; server_name other.example;
               ssl_certificate %oc%; ssl_certificate_key %ok%; return 200 "default $ssl_server_name"; }
      server { listen %listen% ssl; server_name exact.example;
               ssl_certificate %ec%; ssl_certificate_key %ek%; return 200 "exact $scheme $https"; }
      server { listen %listen% ssl; server_name *.wild.example;
               ssl_certificate %wc%; ssl_certificate_key %wk%; return 200 wild; }
      server { listen %listen% ssl; server_name ~^a(?<digit>\d)\.regex\.example$;
               ssl_certificate %rc%; ssl_certificate_key %rk%; return 200 "regex $digit"; })",
                   {{"oc", other.certificate}, {"ok", other.key}, {"ec", exact.certificate}, {"ek", exact.key},
                    {"wc", wild.certificate}, {"wk", wild.key}, {"rc", regex.certificate}, {"rk", regex.key}});
  EXPECT_EQ(curl(weir, "exact.example", "/", {"--cacert", exact.certificate}).output, "exact https on");
  EXPECT_EQ(curl(weir, "any.wild.example", "/", {"--cacert", wild.certificate}).output, "wild");
  EXPECT_EQ(curl(weir, "a7.regex.example", "/", {"--cacert", regex.certificate}).output, "regex 7");
  EXPECT_EQ(curl(weir, "other.example", "/", {"--cacert", other.certificate}).output, "default other.example");
  EXPECT_EQ(curl(weir, "unknown.example", "/").output, "default unknown.example");
  EXPECT_NE(curl(weir, "unknown.example", "/", {"--cacert", other.certificate}).exit_code, 0);
}

TEST(Tls, HasACertificateForEachKindOfKey) {
  const Certificates pki;
  const Certificate rsa = pki.make("localhost", {.rsa = true, .password = "sesame"}, "rsa"), ec = pki.make("localhost");
  const std::string passwords = pki.dir().write("passwords", "wrong\nsesame\n");
  WeirProcess weir(R"(
      server { listen %listen% ssl;
               ssl_certificate %rc%; ssl_certificate_key %rk%; ssl_certificate %ec%; ssl_certificate_key %ek%;
               ssl_password_file %passwords%;
               return 200 "$ssl_protocol $ssl_cipher $ssl_curve"; })",
                   {{"rc", rsa.certificate}, {"rk", rsa.key}, {"ec", ec.certificate}, {"ek", ec.key},
                    {"passwords", passwords}});
  EXPECT_THAT(s_client(weir, "/", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"),
              HasSubstr("TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"));
  EXPECT_THAT(s_client(weir, "/", "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"),
              HasSubstr("TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"));
  EXPECT_THAT(s_client(weir, "/", "-curves P-384"), HasSubstr("TLSv1.3 TLS_AES_256_GCM_SHA384 secp384r1"));
}

TEST(Tls, VersionsCiphersAndCommandsAreThoseOfTheServerThatWasAskedFor) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen% ssl; server_name new; ssl_protocols TLSv1.3;
               ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; return 200 "$ssl_protocol $ssl_cipher"; }
      server { listen %listen% ssl; server_name old; ssl_protocols TLSv1.2; return 200 $ssl_protocol; })",
                   {{"c", own.certificate}, {"k", own.key}});
  EXPECT_EQ(curl(weir, "new", "/").output, "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(curl(weir, "old", "/").output, "TLSv1.2");
  EXPECT_NE(curl(weir, "new", "/", {"--tls-max", "1.2"}).exit_code, 0);
}

TEST(Tls, OfCertificatesWithVariablesTheOneOfTheMomentIsLoaded) {
  const Certificates pki;
  const Certificate a = pki.make("a.example"), b = pki.make("b.example");
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %pki%/$ssl_server_name.crt;
               ssl_certificate_key %pki%/$ssl_server_name.key; return 200 ok; })",
                   {{"pki", pki.dir().path().string()}});
  EXPECT_EQ(curl(weir, "a.example", "/", {"--cacert", a.certificate}).output, "ok");
  EXPECT_EQ(curl(weir, "b.example", "/", {"--cacert", b.certificate}).output, "ok");
  EXPECT_NE(curl(weir, "c.example", "/").exit_code, 0);
  EXPECT_TRUE(weir.logs("c.example.crt")) << weir.error_log();
}

TEST(Tls, AlpnChoosesHttp11AndRefusesWhatNobodySpeaks) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      server { listen %listen% ssl; http2 on; ssl_certificate %c%; ssl_certificate_key %k%;
               return 200 "alpn $ssl_alpn_protocol $server_protocol"; })",
                   {{"c", own.certificate}, {"k", own.key}});
  EXPECT_EQ(curl(weir, "localhost", "/", {"--http2"}).output, "alpn http/1.1 HTTP/1.1");
  EXPECT_THAT(s_client(weir, "/", "-alpn acme-tls/1"), HasSubstr("no application protocol"));
}

TEST(Tls, PlainHttpOnItsPortIsToldSo) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 $request_uri; }
      server { listen %listen2% ssl; ssl_certificate %c%; ssl_certificate_key %k%;
               error_page 497 =301 https://$host$request_uri; add_header X-Seen $uri$is_args$args; })",
                   {{"c", own.certificate}, {"k", own.key}});
  const HttpResponse refused = weir.get("/");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.text(), HasSubstr("The plain HTTP request was sent to HTTPS port"));
  RawClient client(weir.address("listen2"));
  const HttpResponse sent_on = client.ask("GET /a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(sent_on.status, 301);
  EXPECT_EQ(sent_on.field("Location"), "https://shop.example/a?b");
  EXPECT_EQ(sent_on.field("X-Seen"), "/a?b");
  EXPECT_EQ(curl(weir, "localhost", "/still").output, "/still");
}

TEST(Tls, RefusesNamesThatNobodyServes) {
  const Certificates pki;
  const Certificate own = pki.make("known.example");
  WeirProcess weir(R"(
      server { listen %listen% ssl default_server; ssl_reject_handshake on; }
      server { listen %listen% ssl; server_name known.example; ssl_certificate %c%; ssl_certificate_key %k%;
               return 200 known; })",
                   {{"c", own.certificate}, {"k", own.key}});
  EXPECT_EQ(curl(weir, "known.example", "/").output, "known");
  EXPECT_THAT(s_client(weir, "/", "-servername unknown.example"), HasSubstr("unrecognized name"));
  EXPECT_THAT(s_client(weir, "/", "-noservername"), HasSubstr("unrecognized name"));
}

TEST(Tls, ClientsShowCertificatesOfTheRightAuthority) {
  const Certificates pki;
  const Certificate own = pki.make("localhost"), ca = pki.make("ca", {.authority = true}),
                    good = pki.make("good", {.signer = &ca}), stranger = pki.make("stranger");
  const std::string twice = pki.dir().write("twice", read_file(ca.certificate) + read_file(ca.certificate));
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%; ssl_client_certificate %ca%;
      log_format verdict "$ssl_client_verify|$ssl_client_s_dn|$ssl_client_serial";
      server { listen %listen% ssl; server_name strict; ssl_verify_client on;
               return 200 "$ssl_client_verify $ssl_client_s_dn $ssl_client_i_dn"; }
      server { listen %listen% ssl; server_name polite; ssl_verify_client optional; return 200 $ssl_client_verify; }
      server { listen %listen% ssl; server_name lax; ssl_verify_client optional_no_ca; return 200 $ssl_client_verify; }
      server { listen %listen% ssl; server_name open; return 200 "open"; })",
                   {{"c", own.certificate}, {"k", own.key}, {"ca", twice}});
  const std::vector<std::string> with_good = {"--cert", good.certificate, "--key", good.key};
  const std::vector<std::string> with_stranger = {"--cert", stranger.certificate, "--key", stranger.key};
  EXPECT_EQ(curl(weir, "strict", "/", with_good).output, "SUCCESS CN=good,O=Weir CN=ca,O=Weir");
  EXPECT_THAT(curl(weir, "strict", "/").output, HasSubstr("No required SSL certificate was sent"));
  EXPECT_THAT(curl(weir, "strict", "/", with_stranger).output, HasSubstr("The SSL certificate error"));
  EXPECT_EQ(curl(weir, "polite", "/").output, "NONE");
  EXPECT_EQ(curl(weir, "polite", "/", with_good).output, "SUCCESS");
  EXPECT_THAT(curl(weir, "polite", "/", with_stranger).output, HasSubstr("The SSL certificate error"));
  EXPECT_THAT(curl(weir, "lax", "/", with_stranger).output, HasSubstr("FAILED:self"));
  EXPECT_EQ(curl(weir, "open", "/").output, "open");
  // Who was not asked for a certificate under one name must not get in under another.
  EXPECT_THAT(curl(weir, "open", "/", {"-H", "Host: strict"}).output, HasSubstr("421"));
  EXPECT_THAT(curl(weir, "open", "/", {"-H", "Host: unknown"}).output, HasSubstr("421")) << "the default server's";
  EXPECT_EQ(count_of(s_client(weir, "/", "-servername strict"), "CN = ca"), testing_nginx() ? 2u : 1u);
}

TEST(Tls, BodiesOfAnySizePassBothWays) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    PatternBytes pattern(std::uint64_t{20} << 20);
    std::string all;
    for (auto piece = pattern.next(); !piece.empty(); piece = pattern.next()) all += piece;
    connection.answer({.body = request.method == "GET" ? all : std::to_string(request.body.size())});
  });
  WeirProcess weir(R"(
      client_max_body_size 0;
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; location / { proxy_pass http://%app%; } })",
                   {{"c", own.certificate}, {"k", own.key}, {"app", app.address()}});
  const std::string got = pki.dir().path() / "got", sent = pki.dir().path() / "sent";
  EXPECT_EQ(curl(weir, "localhost", "/", {"-o", got}).exit_code, 0);
  const std::string content = read_file(got);
  ASSERT_EQ(content.size(), std::size_t{20} << 20);
  EXPECT_EQ(curl(weir, "localhost", "/", {"--data-binary", "@" + got}).output, std::to_string(content.size()));
  EXPECT_EQ(app.last_request().body.hash(), PatternBytes(content.size()).hash());
}

TEST(Tls, WhatIsNoHelloEndsTheConnectionWithOneLine) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok; })",
                   {{"c", own.certificate}, {"k", own.key}});
  const std::string hellos[] = {
      std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10),   // cut short within its own length
      std::string("\x16\x03\x01\xff\xff", 5) + std::string(300, 'x'),  // a record that is too long
      std::string("\x80\x2e\x01\x00\x02", 5) + std::string(60, '\0'),  // SSLv2
      "\x16" + std::string(200, '\x16'),
  };
  std::size_t sent = 0;
  for (const std::string& hello : hellos) {
    RawClient client = weir.connect();
    client.send(hello);
    client.shutdown_send();
    EXPECT_TRUE(client.closed_within());
    ++sent;
    EXPECT_TRUE(wait_until([&] { return count_of(weir.error_log(), "while SSL handshaking, client: 127.0.0.1") >= sent; }));
  }
  EXPECT_EQ(count_of(weir.error_log(), "SSL handshaking"), sent) << weir.error_log();
  EXPECT_EQ(curl(weir, "localhost", "/").output, "ok");
}

TEST(Tls, WhatCannotWorkIsRefusedBeforeTheStart) {
  const Certificates pki;
  const Certificate own = pki.make("localhost"), other = pki.make("other");
  const auto refused = [](const std::string& lines) {
    const RunResult result = test_config("events {} http { " + lines + " }");
    EXPECT_NE(result.exit_code, 0);
    return result.output;
  };
  EXPECT_THAT(refused("server { listen 1443 ssl; }"), HasSubstr("no \"ssl_certificate\" is defined"));
  EXPECT_THAT(refused("server { listen 1443 ssl; ssl_certificate " + own.certificate + "; }"),
              HasSubstr("no \"ssl_certificate_key\" is defined"));
  EXPECT_THAT(refused("server { listen 1443 ssl; ssl_certificate " + own.certificate + "; ssl_certificate_key " + other.key + "; }"),
              HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(refused("server { listen 1443 ssl; ssl_certificate /nowhere.crt; ssl_certificate_key /nowhere.key; }"),
              HasSubstr("cannot load \"/nowhere.crt\""));
}

}  // namespace
}  // namespace weir::test
