// What clients are told of our certificates (ssl_stapling), with openssl's responder and client on both sides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocsp_world.h"
#include "support/fake_backend.h"
#include "support/fake_name_server.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

class TlsStapling : public OcspWorld {
 protected:
  Values values(const Certificate& own) const {
    return {{"c", own.certificate}, {"k", own.key}, {"ca", ca.certificate}, {"responder", port.address()}};
  }
  static std::string told(WeirProcess& weir) { return s_client(weir, "/", "-status"); }
  static bool is_told(WeirProcess& weir, std::string_view what) {
    return wait_until([&] { return told(weir).find(what) != std::string::npos; });
  }
};

constexpr const char* kGood = "Cert Status: good";
constexpr const char* kNothing = "OCSP response: no response sent";

TEST_F(TlsStapling, ClientsAreToldWhatTheResponderOfTheCertificateSays) {
  FakeNameServer names;
  names.set("ocsp.example", {.addresses = {"127.0.0.1"}});
  const Certificate own =
      pki.make("localhost", {.signer = &ca, .ocsp = "http://ocsp.example:" + std::to_string(port.number())});
  record(own, 'V');
  start_responder();
  Values all = values(own);
  all["names"] = names.address();
  WeirProcess weir(R"(
      resolver %names% ipv6=off;
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok;
               ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate %ca%; })", all);
  EXPECT_TRUE(is_told(weir, kGood)) << told(weir) << weir.error_log() << responder.output();
  EXPECT_THAT(s_client(weir, "/", "-status -tls1_2"), HasSubstr(kGood));
}

TEST_F(TlsStapling, NobodyIsToldOfARevokedCertificate) {
  const Certificate own = pki.make("localhost", {.signer = &ca});
  record(own, 'R');
  start_responder();
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok;
               ssl_stapling on; ssl_stapling_responder http://%responder%; ssl_trusted_certificate %ca%; })", values(own));
  EXPECT_TRUE(weir.logs("certificate status \"revoked\" in the OCSP response while requesting certificate status, responder: "
                        "127.0.0.1:" + std::to_string(port.number()))) << weir.error_log();
  EXPECT_THAT(told(weir), HasSubstr(kNothing));
}

TEST_F(TlsStapling, AnAnswerMustBeSignedBySomebodyTrusted) {
  const Certificate own = pki.make("localhost", {.signer = &ca});
  record(own, 'V');
  start_responder(other);
  constexpr const char* kConf = R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok; ssl_trusted_certificate %ca%;
               ssl_stapling on; ssl_stapling_responder http://%responder%; ssl_stapling_verify VERIFY; })";
  const auto conf = [&](const std::string& verify) {
    std::string text = kConf;
    return text.replace(text.find("VERIFY"), 6, verify);
  };
  WeirProcess weir(conf("on"), values(own));
  EXPECT_TRUE(weir.logs("OCSP_basic_verify() failed")) << weir.error_log();
  EXPECT_THAT(told(weir), HasSubstr(kNothing));
  weir.reload(conf("off"));
  EXPECT_TRUE(is_told(weir, kGood)) << weir.error_log();
}

TEST_F(TlsStapling, AResponderThatFailsIsAskedAgainAndNobodyWaitsForIt) {
  const Certificate own = pki.make("localhost", {.signer = &ca});
  record(own, 'V');
  FakeBackend odd = FakeBackend::answering(200, std::string(200'000, 'x'));
  const std::string conf = R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok;
               ssl_stapling on; ssl_stapling_responder http://%responder%; ssl_trusted_certificate %ca%; }
      server { listen %listen_odd% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok;
               ssl_stapling on; ssl_stapling_responder http://%odd%; ssl_trusted_certificate %ca%; })";
  Values all = values(own);
  all["odd"] = odd.address();
  WeirProcess weir(conf, all);
  EXPECT_TRUE(weir.logs("connect() failed (111: Connection refused) while requesting certificate status")) << weir.error_log();
  EXPECT_TRUE(weir.logs("it is no OCSP response while requesting certificate status")) << weir.error_log();
  EXPECT_THAT(told(weir), HasSubstr(kNothing));
  EXPECT_EQ(odd.last_request().method, "GET");
  start_responder();
  EXPECT_TRUE(is_told(weir, kGood)) << weir.error_log();
  EXPECT_GE(odd.request_count(), 1u);
}

TEST_F(TlsStapling, WhatCannotWorkIsWarnedOf) {
  const Certificate own = pki.make("localhost", {.signer = &ca});
  const auto warnings = [&](const std::string& lines) {
    return test_config("events {} http { server { listen 127.0.0.1:8443 ssl; ssl_certificate " + own.certificate +
                       "; ssl_certificate_key " + own.key + "; ssl_stapling on; " + lines + " } }").output;
  };
  EXPECT_THAT(warnings(""), HasSubstr("issuer certificate not found for certificate \"CN=localhost,O=Weir\""));
  EXPECT_THAT(warnings("ssl_trusted_certificate " + ca.certificate + ";"), HasSubstr("no OCSP responder URL in the certificate"));
  EXPECT_THAT(warnings("ssl_trusted_certificate " + ca.certificate + "; ssl_stapling_responder https://a/;"),
              HasSubstr("the URL \"https://a/\" of the OCSP responder"));
}

}  // namespace
}  // namespace weir::test
