// What OCSP responders say of clients' certificates (ssl_ocsp), with openssl's responder.
#include <gmock/gmock.h>

#include <filesystem>

#include "ocsp_world.h"
#include "support/fake_backend.h"
#include "support/fake_name_server.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

class TlsClientStatus : public OcspWorld {
 protected:
  /// What a client with this certificate is told of it.
  std::string visit(WeirProcess& weir, const Certificate& who, const std::string& listen = "listen") {
    return curl(weir, "localhost", "/", {"--cert", who.certificate, "--key", who.key}, listen).output;
  }
  /// The same once the responder works: it takes a moment to start.
  bool comes_to(WeirProcess& weir, const Certificate& who, const std::string& told, const std::string& listen = "listen") {
    return wait_until([&] { return visit(weir, who, listen) == told; });
  }
  Values values() const {
    return {{"c", own.certificate}, {"k", own.key}, {"ca", ca.certificate}, {"responder", port.address()}};
  }
  /// A server that tells its clients how they were judged.
  static std::string server(const std::string& lines, const std::string& listen = "%listen%") {
    return "server { listen " + listen + " ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_client_certificate %ca%; " + lines +
           " error_page 400 495 496 =200 @said; location / { return 200 $ssl_client_verify; }"
           " location @said { return 200 $ssl_client_verify; } }\n";
  }

  const Certificate own = pki.make("localhost");
};

constexpr const char* kUnknown = "FAILED:certificate status request failed";

TEST_F(TlsClientStatus, LetsInWhoIsGoodAndNobodyWhoIsRevoked) {
  FakeNameServer names;
  names.set("ocsp.example", {.addresses = {"127.0.0.1"}});
  const std::string url = "http://ocsp.example:" + std::to_string(port.number());
  const Certificate good = pki.make("good", {.signer = &ca, .ocsp = url}), bad = pki.make("bad", {.signer = &ca, .ocsp = url}),
                    unheard = pki.make("unheard", {.signer = &ca, .ocsp = url}), silent = pki.make("silent", {.signer = &ca});
  record(good, 'V');
  record(bad, 'R');
  start_responder();
  Values all = values();
  all["names"] = names.address();
  WeirProcess weir(server("ssl_verify_client on; ssl_ocsp leaf; resolver %names% ipv6=off;") +
                       server("ssl_verify_client on; ssl_ocsp leaf;", "%listen_nameless%") +
                       server("ssl_verify_client optional; ssl_ocsp on; ssl_ocsp_responder http://%responder%;", "%listen_own%"), all);
  EXPECT_TRUE(comes_to(weir, good, "SUCCESS")) << visit(weir, good) << weir.error_log() << responder.output();
  EXPECT_EQ(visit(weir, bad), "FAILED:certificate revoked");
  EXPECT_EQ(visit(weir, unheard), "FAILED:certificate status unknown");
  EXPECT_EQ(visit(weir, silent), kUnknown);
  EXPECT_TRUE(weir.logs("no OCSP responder URL in certificate \"CN=silent,O=Weir\"")) << weir.error_log();
  EXPECT_TRUE(weir.logs("client SSL certificate verify error: (23:certificate revoked)"));
  EXPECT_EQ(visit(weir, good, "listen_nameless"), kUnknown);
  EXPECT_TRUE(weir.logs("no resolver defined to resolve ocsp.example while requesting certificate status, responder: ocsp.example:"))
      << weir.error_log();
  EXPECT_EQ(visit(weir, bad, "listen_own"), "FAILED:certificate revoked");
  EXPECT_EQ(curl(weir, "localhost", "/", {}, "listen_own").output, "NONE");
}

TEST_F(TlsClientStatus, IsAskedOfTheWholeChainUnlessOfTheLeafOnly) {
  const Certificate middle = pki.make("middle", {.signer = &ca, .authority = true}), client = pki.make("client", {.signer = &middle});
  // Only the one in the middle may speak of whom it signed, and of itself it may not.
  record(client, 'V');
  responder = ChildProcess({"/usr/bin/openssl", "ocsp", "-port", std::to_string(port.number()), "-index", pki.dir().path() / "index",
                            "-CA", middle.certificate, "-rsigner", middle.certificate, "-rkey", middle.key, "-ndays", "1", "-ignore_err"},
                           pki.dir().path() / "responder.log");
  const std::string both = pki.dir().write("both", read_file(middle.certificate) + read_file(ca.certificate));
  Values all = values();
  all["ca"] = both;
  const std::string lines = "ssl_verify_client on; ssl_verify_depth 3; ssl_ocsp_responder http://%responder%; ";
  WeirProcess weir(server(lines + "ssl_ocsp leaf;") + server(lines + "ssl_ocsp on;", "%listen_all%"), all);
  EXPECT_TRUE(comes_to(weir, client, "SUCCESS")) << weir.error_log() << responder.output();
  EXPECT_EQ(visit(weir, client, "listen_all"), kUnknown);
  EXPECT_TRUE(weir.logs("certificate: \"CN=middle,O=Weir\"")) << weir.error_log();
}

TEST_F(TlsClientStatus, AnAnswerMustBeSignedByWhoIssuedTheCertificate) {
  const Certificate client = pki.make("client", {.signer = &ca});
  record(client, 'V');
  start_responder(other);
  Values all = values();
  all["ca"] = pki.dir().write("both", read_file(ca.certificate) + read_file(other.certificate));
  WeirProcess weir(server("ssl_verify_client on; ssl_ocsp on; ssl_ocsp_responder http://%responder%;"), all);
  EXPECT_TRUE(wait_until([&] {
    visit(weir, client);
    return weir.logs("OCSP_basic_verify() failed", milliseconds(50));
  })) << weir.error_log();
  EXPECT_EQ(visit(weir, client), kUnknown);
}

TEST_F(TlsClientStatus, IsKeptInTheCacheAndAskedAgainOfSessionsThatComeBack) {
  const Certificate client = pki.make("client", {.signer = &ca});
  record(client, 'V');
  start_responder();
  const std::string lines = "ssl_verify_client on; ssl_ocsp on; ssl_ocsp_responder http://%responder%; ";
  WeirProcess weir(server(lines) + server(lines + "ssl_ocsp_cache shared:O:1m;", "%listen_cached%") +
                       server("ssl_verify_client on; ssl_ocsp leaf; ssl_ocsp_responder http://%responder%; ssl_ocsp_cache shared:O:1m;", "%listen_also%"), values());
  EXPECT_TRUE(comes_to(weir, client, "SUCCESS")) << weir.error_log();
  EXPECT_EQ(visit(weir, client, "listen_cached"), "SUCCESS");
  const std::string session = pki.dir().path() / "session.pem";
  const std::string with = " -cert " + client.certificate + " -key " + client.key;
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    SCOPED_TRACE(version);
    EXPECT_THAT(s_client(weir, "/", version + with + " -sess_out " + session), HasSubstr("SUCCESS"));
    const std::string back = s_client(weir, "/", version + with + " -sess_in " + session);
    EXPECT_THAT(back, HasSubstr("Reused, TLS"));
    EXPECT_THAT(back, HasSubstr("SUCCESS"));
  }
  forget_records();
  record(client, 'R');
  start_responder();
  EXPECT_TRUE(comes_to(weir, client, "FAILED:certificate revoked")) << weir.error_log();
  EXPECT_THAT(s_client(weir, "/", "-tls1_3" + with + " -sess_in " + session), HasSubstr("FAILED:certificate revoked"));
  EXPECT_EQ(visit(weir, client, "listen_cached"), "SUCCESS");
  EXPECT_EQ(visit(weir, client, "listen_also"), "SUCCESS");
}

TEST_F(TlsClientStatus, AResponderThatHangsHoldsUpItsClientOnly) {
  FakeBackend silent = FakeBackend::silent(), odd = FakeBackend::answering(200, std::string(200'000, 'x'));
  const Certificate client = pki.make("client", {.signer = &ca});
  Values all = values();
  all["silent"] = silent.address();
  all["odd"] = odd.address();
  WeirProcess weir(server("ssl_verify_client optional; ssl_ocsp on; ssl_ocsp_responder http://%silent%;") +
                       server("ssl_verify_client on; ssl_ocsp on; ssl_ocsp_responder http://%odd%;", "%listen_odd%") +
                       server("ssl_verify_client on; ssl_ocsp on; ssl_ocsp_responder http://%responder%;", "%listen_none%"), all,
                   {.workers = 1});
  ChildProcess held({"/usr/bin/curl", "-sk", "--max-time", "60", "--cert", client.certificate, "--key", client.key,
                     "https://" + weir.address() + "/"}, pki.dir().path() / "held.log");
  EXPECT_TRUE(wait_until([&] { return silent.request_count() == 1; })) << weir.error_log();
  EXPECT_EQ(curl(weir, "localhost", "/").output, "NONE");
  EXPECT_EQ(visit(weir, client, "listen_odd"), kUnknown);
  EXPECT_TRUE(weir.logs("it is no OCSP response while requesting certificate status")) << weir.error_log();
  EXPECT_EQ(visit(weir, client, "listen_none"), kUnknown);
  EXPECT_TRUE(weir.logs("connect() failed (111: Connection refused) while requesting certificate status")) << weir.error_log();
  EXPECT_TRUE(held.running());
  EXPECT_EQ(weir.stop(), 0);  // and the end of the process does not wait for it
  EXPECT_THAT(held.output(), testing::Not(HasSubstr("SUCCESS")));
}

TEST_F(TlsClientStatus, IsJudgedInStreamToo) {
  const Certificate good = pki.make("good", {.signer = &ca}), bad = pki.make("bad", {.signer = &ca});
  record(good, 'V');
  record(bad, 'R');
  start_responder();
  FakeBackend app = FakeBackend::answering(200, "in");
  Values all = values();
  all["app"] = app.address();
  WeirProcess weir(R"(
      log_format verdict "$status $ssl_client_verify";
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_client_certificate %ca%; ssl_verify_client on;
               ssl_ocsp on; ssl_ocsp_responder http://%responder%; proxy_pass %app%; access_log %dir%/access.log verdict; })",
                   all, {.stream = true});
  EXPECT_TRUE(comes_to(weir, good, "in")) << weir.error_log();
  EXPECT_NE(visit(weir, bad), "in");
  EXPECT_TRUE(weir.accesses("500 FAILED:certificate revoked")) << weir.access_log();
  EXPECT_TRUE(weir.accesses("200 SUCCESS"));
}

TEST_F(TlsClientStatus, WhatCannotWorkIsRefused) {
  const auto said = [&](const std::string& lines) {
    return test_config("events {} http { server { listen 127.0.0.1:8443 ssl; ssl_certificate " + own.certificate +
                       "; ssl_certificate_key " + own.key + "; ssl_client_certificate " + ca.certificate + "; " + lines + " } }").output;
  };
  EXPECT_THAT(said("ssl_verify_client optional_no_ca; ssl_ocsp on;"), HasSubstr("incompatible with \"ssl_verify_client optional_no_ca\""));
  EXPECT_THAT(said("ssl_verify_client on; ssl_ocsp on; ssl_ocsp_responder https://a/;"), HasSubstr("the URL \"https://a/\""));
  EXPECT_THAT(said("ssl_ocsp_cache shared:O:1k;"), HasSubstr("OCSP cache \"shared:O:1k\" is too small"));
  EXPECT_THAT(said("ssl_ocsp_cache builtin;"), HasSubstr("invalid OCSP cache \"builtin\""));
  EXPECT_THAT(said("ssl_ocsp on;"), HasSubstr("\"ssl_ocsp\" has no effect"));
}

}  // namespace
}  // namespace weir::test
