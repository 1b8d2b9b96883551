// What directives of TLS do to handshakes, seen by openssl's client and server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "support/certificates.h"
#include "support/fake_backend.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class TlsSettings : public testing::Test {
 protected:
  /// A list of what `authority` revoked: `revoked`.
  std::string revocations(const Certificate& authority, const Certificate& revoked, const std::string& name) const {
    const std::string serial = run_program({"/usr/bin/openssl", "x509", "-noout", "-serial", "-in", revoked.certificate}).output;
    const std::string number = serial.substr(serial.find('=') + 1, serial.find('\n') - serial.find('=') - 1);
    const std::string index = pki.dir().write(name + ".index", "R\t491231235959Z\t200101000000Z\t" + number + "\tunknown\t/CN=x\n");
    const std::string conf = pki.dir().write(name + ".conf", "[ca]\ndefault_ca=x\n[x]\ndatabase=" + index +
                                                                 "\ndefault_md=sha256\ndefault_crl_days=1\n");
    const std::string list = pki.dir().path() / (name + ".crl");
    const RunResult made = run_program({"/usr/bin/openssl", "ca", "-gencrl", "-config", conf, "-keyfile", authority.key, "-cert",
                                        authority.certificate, "-out", list});
    EXPECT_EQ(made.exit_code, 0) << made.output;
    return list;
  }
  static std::string as(const Certificate& who) { return "-cert " + who.certificate + " -key " + who.key; }

  const Certificates pki;
  const Certificate own = pki.make("localhost"), ca = pki.make("ca", {.authority = true});
  Values values() const { return {{"c", own.certificate}, {"k", own.key}, {"ca", ca.certificate}}; }
};

TEST_F(TlsSettings, CiphersCurvesAndTheirOrder) {
  const Certificate rsa = pki.make("localhost", {.rsa = true}, "rsa");
  const std::string dh = pki.dir().path() / "dh.pem";
  ASSERT_EQ(run_program({"/usr/bin/openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", dh}).exit_code, 0);
  Values all = {{"c", rsa.certificate}, {"k", rsa.key}, {"dh", dh}};
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%; ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256;
      server { listen %listen% ssl; return 200 "$ssl_cipher $ssl_ciphers"; }
      server { listen %listen_own% ssl; ssl_prefer_server_ciphers on; return 200 "$ssl_cipher "; }
      server { listen %listen_dh% ssl; ssl_dhparam %dh%; return 200 "$ssl_cipher "; }
      server { listen %listen_curve% ssl; ssl_ecdh_curve secp384r1:secp521r1; return 200 "$ssl_curve of $ssl_curves"; })", all);
  const std::string offer = "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384";
  EXPECT_THAT(s_client(weir, "/", offer), HasSubstr("\r\nECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"));
  EXPECT_THAT(s_client(weir, "/", offer, "listen_own"), HasSubstr("\r\nECDHE-RSA-AES256-GCM-SHA384 "));
  const std::string dhe = "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256";
  EXPECT_THAT(s_client(weir, "/", dhe, "listen_dh"), HasSubstr("\r\nDHE-RSA-AES128-GCM-SHA256 "));
  EXPECT_THAT(s_client(weir, "/", dhe), Not(HasSubstr("\r\nDHE-RSA")));
  EXPECT_THAT(s_client(weir, "/", "-curves X25519:P-521:P-384", "listen_curve"),
              HasSubstr("\r\nsecp384r1 of X25519:secp521r1:secp384r1"));
  EXPECT_THAT(s_client(weir, "/", "-curves X25519", "listen_curve"), HasSubstr("handshake failure"));
}

TEST_F(TlsSettings, RecordsAreNoLargerThanSslBufferSize) {
  FakeBackend app = FakeBackend::answering(200, std::string(100'000, 'b'));
  Values all = values();
  all["app"] = app.address();
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen% ssl; location / { proxy_pass http://%app%; } }
      server { listen %listen_small% ssl; ssl_buffer_size 2k; location / { proxy_pass http://%app%; } })", all);
  const auto largest = [&](const char* listen) {
    const std::string trace = s_client(weir, "/", "-tls1_2 -msg", listen);
    // The head of a record: 23 (data), the version, the length.
    const std::regex head(R"(RecordHeader \[length 0005\]\s+17 03 03 ([0-9a-f]{2}) ([0-9a-f]{2}))");
    int most = 0;
    for (std::sregex_iterator at(trace.begin(), trace.end(), head), end; at != end; ++at)
      most = std::max(most, std::stoi((*at)[1].str() + (*at)[2].str(), nullptr, 16));
    return most;
  };
  EXPECT_GT(largest("listen"), 8'000);
  const int small = largest("listen_small");
  EXPECT_GT(small, 1'024);
  EXPECT_LE(small, 2'048 + 64);  // what encryption adds
}

TEST_F(TlsSettings, SessionsLastAsLongAsToldWhereverTheyAreKept) {
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen% ssl; ssl_session_timeout 1234s; return 200 "reused=$ssl_session_reused id=$ssl_session_id."; }
      server { listen %listen_builtin% ssl; ssl_session_cache builtin:100; ssl_session_tickets off;
               return 200 "reused=$ssl_session_reused id=$ssl_session_id."; })", values(), {.workers = 2});
  EXPECT_THAT(s_client(weir, "/", "-tls1_3"), HasSubstr("lifetime hint: 1234 (seconds)"));
  EXPECT_THAT(s_client(weir, "/", "-tls1_2"), HasSubstr("lifetime hint: 1234 (seconds)"));
  const std::string session = pki.dir().path() / "session.pem";
  const std::string first = s_client(weir, "/", "-tls1_2 -sess_out " + session, "listen_builtin");
  EXPECT_THAT(first, HasSubstr("reused=."));
  const std::string again = s_client(weir, "/", "-tls1_2 -sess_in " + session, "listen_builtin");
  EXPECT_THAT(again, HasSubstr("reused=r"));
  const auto id = [](const std::string& said) { return said.substr(said.find("id="), said.find('.', said.find("id=")) - said.find("id=")); };
  EXPECT_EQ(id(first), id(again));
  EXPECT_GT(id(first).size(), 60u);
}

TEST_F(TlsSettings, RevokedCertificatesAndChainsThatAreTooLongAreRefused) {
  const Certificate good = pki.make("good", {.signer = &ca}), bad = pki.make("bad", {.signer = &ca}),
                    middle = pki.make("middle", {.signer = &ca, .authority = true}), far = pki.make("far", {.signer = &middle});
  const Certificate whole{pki.dir().write("whole.crt", read_file(far.certificate) + read_file(middle.certificate)), far.key};
  Values all = values();
  all["crl"] = revocations(ca, bad, "clients");
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%; ssl_client_certificate %ca%; ssl_verify_client on; error_page 400 495 =200 @said;
      server { listen %listen% ssl; ssl_crl %crl%; location / { return 200 "<$ssl_client_verify>"; } location @said { return 200 "<$ssl_client_verify>"; } }
      server { listen %listen_near% ssl; ssl_verify_depth 0; location / { return 200 "<$ssl_client_verify>"; } location @said { return 200 "<$ssl_client_verify>"; } }
      server { listen %listen_far% ssl; ssl_verify_depth 1; location / { return 200 "<$ssl_client_verify>"; } location @said { return 200 "<$ssl_client_verify>"; } })",
                   all);
  const auto visit = [&](const Certificate& who, const char* listen) {
    return curl(weir, "localhost", "/", {"--cert", who.certificate, "--key", who.key}, listen).output;
  };
  EXPECT_EQ(visit(good, "listen"), "<SUCCESS>");
  EXPECT_EQ(visit(bad, "listen"), "<FAILED:certificate revoked>");
  EXPECT_EQ(visit(whole, "listen_far"), "<SUCCESS>");
  EXPECT_THAT(visit(whole, "listen_near"), HasSubstr("<FAILED:"));
}

TEST_F(TlsSettings, VariablesTellOfTheClientsCertificate) {
  const Certificate client = pki.make("client", {.signer = &ca});
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_client_certificate %ca%; ssl_verify_client on;
               return 200 "print=$ssl_client_fingerprint;serial=$ssl_client_serial;s=$ssl_client_s_dn;i=$ssl_client_i_dn;old=$ssl_client_s_dn_legacy;oldi=$ssl_client_i_dn_legacy;from=$ssl_client_v_start;to=$ssl_client_v_end;left=$ssl_client_v_remain;escaped=$ssl_client_escaped_cert;raw=$ssl_client_raw_cert;"; })",
                   values());
  const std::string said = curl(weir, "localhost", "/", {"--cert", client.certificate, "--key", client.key}).output;
  const auto asked = [&](const std::vector<std::string>& options) {
    std::vector<std::string> command = {"/usr/bin/openssl", "x509", "-noout", "-in", client.certificate};
    command.insert(command.end(), options.begin(), options.end());
    const std::string out = run_program(command).output;
    return out.substr(out.find('=') + 1, out.find('\n') - out.find('=') - 1);
  };
  std::string print = asked({"-fingerprint", "-sha1"});
  std::erase(print, ':');
  for (char& c : print) c = static_cast<char>(std::tolower(c));
  EXPECT_THAT(said, HasSubstr("print=" + print + ";serial=" + asked({"-serial"}) + ";s=CN=client,O=Weir;i=CN=ca,O=Weir;old=/O=Weir/CN=client;oldi=/O=Weir/CN=ca;"));
  EXPECT_THAT(said, HasSubstr("from=" + asked({"-startdate"}) + ";to=" + asked({"-enddate"}) + ";left=36"));
  EXPECT_THAT(said, HasSubstr("escaped=-----BEGIN%20CERTIFICATE-----%0A"));
  EXPECT_THAT(said, HasSubstr("raw=" + read_file(client.certificate)));
}

TEST_F(TlsSettings, CertificatesMayStandInTheConfigurationAndStaplesInFiles) {
  const Certificate shown = pki.make("localhost", {.signer = &ca}, "shown");
  const std::string serial = run_program({"/usr/bin/openssl", "x509", "-noout", "-serial", "-in", shown.certificate}).output;
  const std::string index = pki.dir().write("index", "V\t491231235959Z\t\t" + serial.substr(7, serial.find('\n') - 7) + "\tunknown\t/CN=x\n");
  const std::string staple = pki.dir().path() / "staple.der", request = pki.dir().path() / "request.der";
  ASSERT_EQ(run_program({"/usr/bin/openssl", "ocsp", "-issuer", ca.certificate, "-cert", shown.certificate, "-reqout", request}).exit_code, 0);
  ASSERT_EQ(run_program({"/usr/bin/openssl", "ocsp", "-index", index, "-CA", ca.certificate, "-rsigner", ca.certificate, "-rkey", ca.key,
                         "-reqin", request, "-respout", staple, "-ndays", "1"}).exit_code, 0);
  WeirProcess weir(R"(server { listen %listen% ssl; ssl_certificate "data:%pem%"; ssl_certificate_key "data:%key%"; return 200 ok;
                               ssl_stapling on; ssl_stapling_file %staple%; })",
                   {{"pem", read_file(shown.certificate)}, {"key", read_file(shown.key)}, {"staple", staple}});
  EXPECT_EQ(curl(weir, "localhost", "/", {"--cacert", ca.certificate}).output, "ok");
  EXPECT_THAT(s_client(weir, "/", "-status"), HasSubstr("Cert Status: good"));
}

TEST_F(TlsSettings, OfBackendsAreThoseOfProxySsl) {
  const Certificate app = pki.make("app.example", {.signer = &ca}), bad = pki.make("bad.example", {.signer = &ca}),
                    locked = pki.make("weir", {.rsa = true, .password = "sesame"});
  Values all = values();
  all.insert({{"ac", app.certificate}, {"ak", app.key}, {"bc", bad.certificate}, {"bk", bad.key}, {"lc", locked.certificate}, {"lk", locked.key},
              {"crl", revocations(ca, bad, "backends")}, {"passwords", pki.dir().write("passwords", "sesame\n")}});
  WeirProcess weir(R"(
      server { listen %listen_app% ssl; ssl_certificate %ac%; ssl_certificate_key %ak%; ssl_verify_client optional_no_ca;
               return 200 "$ssl_protocol $ssl_cipher $ssl_client_s_dn"; }
      server { listen %listen_bad% ssl; ssl_certificate %bc%; ssl_certificate_key %bk%; return 200 bad; }
      server {
        location /old    { proxy_pass https://%listen_app%; proxy_ssl_protocols TLSv1.2; }
        location /cipher { proxy_pass https://%listen_app%; proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; }
        location /suite  { proxy_pass https://%listen_app%; proxy_ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; }
        location /locked { proxy_pass https://%listen_app%; proxy_ssl_certificate %lc%; proxy_ssl_certificate_key %lk%;
                           proxy_ssl_password_file %passwords%; }
        proxy_ssl_trusted_certificate %ca%;
        location /list   { proxy_pass https://%listen_app%; proxy_ssl_verify on; proxy_ssl_crl %crl%; proxy_ssl_name app.example; }
        location /bad    { proxy_pass https://%listen_bad%; proxy_ssl_verify on; proxy_ssl_crl %crl%; proxy_ssl_name bad.example; }
      })", all);
  EXPECT_THAT(weir.get("/old").text(), HasSubstr("TLSv1.2 "));
  EXPECT_EQ(weir.get("/cipher").text(), "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 ");
  EXPECT_EQ(weir.get("/suite").text(), "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 ");
  EXPECT_THAT(weir.get("/locked").text(), HasSubstr(" CN=weir,O=Weir"));
  EXPECT_EQ(weir.get("/list").status, 200);
  EXPECT_EQ(weir.get("/bad").status, 502);
  EXPECT_TRUE(weir.logs("upstream SSL certificate verify error: (23:certificate revoked)")) << weir.error_log();
}

}  // namespace
}  // namespace weir::test
