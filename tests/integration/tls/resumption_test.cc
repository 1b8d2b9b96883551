// Whom a session lets in: only those who come back to the server, and the judgement, that it was made under.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

class TlsResumption : public testing::Test {
 protected:
  /// `reused=r` or `reused=.` of a visit to `to` with the session of one to `from`, by the same client.
  std::string resumed(WeirProcess& weir, const std::string& from, const std::string& to, const std::string& more,
                      const std::string& listen = "listen") {
    const std::string session = pki.dir().path() / "session.pem";
    std::filesystem::remove(session);
    const std::string options = more + " -cert " + visitor.certificate + " -key " + visitor.key;
    const std::string first = s_client_of(from, weir, "/", options + " -servername " + from + " -sess_out " + session, listen);
    EXPECT_THAT(first, HasSubstr("reused=."));
    EXPECT_TRUE(std::filesystem::exists(session)) << first;
    return verdict(s_client_of(to, weir, "/", options + " -servername " + to + " -sess_in " + session, listen));
  }
  static std::string verdict(const std::string& said) {
    const std::size_t at = said.find("reused=");
    return at == said.npos ? said : said.substr(at, 8);
  }

  const Certificates pki;
  const Certificate own = pki.make("localhost"), ca = pki.make("ca", {.authority = true}),
                    other = pki.make("other", {.authority = true}), visitor = pki.make("visitor", {.signer = &ca});
  Values values() const {
    return {{"c", own.certificate}, {"k", own.key}, {"ca", ca.certificate}, {"other", other.certificate}};
  }
};

// What all have in common must not be what keeps sessions apart: one certificate, one address, one cache, one set of keys.
constexpr const char* kServers = R"(
    ssl_certificate %c%; ssl_certificate_key %k%; ssl_session_cache shared:S:1m; error_page 400 495 496 = @said;
    ssl_session_tickets TICKETS;
    server { listen %listen% ssl; server_name open;   location / { return 200 "reused=$ssl_session_reused"; } }
    server { listen %listen% ssl; server_name twin;   location / { return 200 "reused=$ssl_session_reused"; } }
    server { listen %listen% ssl; server_name strict; ssl_verify_client on; ssl_client_certificate %ca%;
             location / { return 200 "reused=$ssl_session_reused"; } location @said { return 200 "reused=$ssl_session_reused"; } }
    server { listen %listen% ssl; server_name shy; ssl_verify_client optional; ssl_client_certificate %ca%;
             location / { return 200 "reused=$ssl_session_reused"; } }
    server { listen %listen% ssl; server_name other; ssl_verify_client on; ssl_client_certificate %other%;
             location / { return 200 "reused=$ssl_session_reused"; } location @said { return 200 "reused=$ssl_session_reused"; } }
)";

std::string servers(const char* tickets) {
  std::string text = kServers;
  return text.replace(text.find("TICKETS"), 7, tickets);
}

TEST_F(TlsResumption, IsForTheServerNameAndTheClientsAuthorityOfTheSessionOnly) {
  for (const char* tickets : {"on", "off"}) {
    WeirProcess weir(servers(tickets), values());
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      for (const char* name : {"open", "strict", "shy"}) {
        SCOPED_TRACE(std::string("tickets ") + tickets + " " + version + " " + name);
        EXPECT_EQ(resumed(weir, name, name, version), "reused=r");
      }
      const std::pair<const char*, const char*> apart[] = {
          {"open", "twin"},   {"twin", "open"},   {"open", "strict"},  {"strict", "open"}, {"shy", "strict"},
          {"strict", "shy"},  {"strict", "other"}, {"other", "strict"}, {"open", "other"},
      };
      for (const auto& [from, to] : apart) {
        SCOPED_TRACE(std::string("tickets ") + tickets + " " + version + " " + from + " to " + to);
        EXPECT_EQ(resumed(weir, from, to, version), "reused=.");
      }
    }
  }
}

TEST_F(TlsResumption, EndsWhenTheListOfTrustedAuthoritiesChanges) {
  const std::string trusted = pki.dir().write("trusted", read_file(ca.certificate) + read_file(other.certificate));
  Values all = values();
  all["trusted"] = trusted;
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_verify_client on;
               ssl_trusted_certificate %trusted%; error_page 400 495 = @said;
               location / { return 200 "reused=$ssl_session_reused $ssl_client_verify"; }
               location @said { return 200 "reused=$ssl_session_reused $ssl_client_verify"; } })", all);
  const std::string session = pki.dir().path() / "session.pem";
  const std::string who = " -cert " + visitor.certificate + " -key " + visitor.key;
  EXPECT_THAT(s_client(weir, "/", "-sess_out " + session + who), HasSubstr("reused=. SUCCESS"));
  EXPECT_THAT(s_client(weir, "/", "-sess_in " + session + who), HasSubstr("reused=r SUCCESS"));
  std::filesystem::copy_file(other.certificate, trusted, std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(weir.logs("changed: loaded and in force")) << weir.error_log();
  EXPECT_THAT(s_client(weir, "/", "-sess_in " + session + who), HasSubstr("reused=. FAILED:"));
}

TEST_F(TlsResumption, WithABackendIsForTheRulesItWasVerifiedBy) {
  Values all = values();
  const Certificate signed_by_ca = pki.make("app.example", {.signer = &ca});
  all["c"] = signed_by_ca.certificate;
  all["k"] = signed_by_ca.key;
  WeirProcess weir(R"(
      upstream app { server %listen_app%; keepalive 0; }
      server { listen %listen_app% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 "reused=$ssl_session_reused"; }
      server {
        proxy_ssl_name app.example;
        location /lax    { proxy_pass https://app; }
        location /strict { proxy_pass https://app; proxy_ssl_verify on; proxy_ssl_trusted_certificate %ca%; }
        location /other  { proxy_pass https://app; proxy_ssl_verify on; proxy_ssl_trusted_certificate %other%; }
        location /name   { proxy_pass https://app; proxy_ssl_verify on; proxy_ssl_trusted_certificate %ca%; proxy_ssl_name wrong; }
        location /crl    { proxy_pass https://app; proxy_ssl_verify on; proxy_ssl_trusted_certificate %ca%; proxy_ssl_verify_depth 2; }
      })", all, {.workers = 1});
  EXPECT_EQ(weir.get("/lax").text(), "reused=.");
  EXPECT_TRUE(wait_until([&] { return weir.get("/lax").text() == "reused=r"; }));
  EXPECT_EQ(weir.get("/strict").text(), "reused=.");
  EXPECT_TRUE(wait_until([&] { return weir.get("/strict").text() == "reused=r"; }));
  // A session would hide that nothing was checked.
  EXPECT_EQ(weir.get("/other").status, 502);
  EXPECT_EQ(weir.get("/name").status, 502);
  EXPECT_EQ(weir.get("/crl").text(), "reused=.");
}

TEST_F(TlsResumption, WithABackendEndsWhenTheListOfTrustedAuthoritiesChanges) {
  Values all = values();
  const Certificate signed_by_ca = pki.make("app.example", {.signer = &ca});
  all["c"] = signed_by_ca.certificate;
  all["k"] = signed_by_ca.key;
  const std::string trusted = all["trusted"] = pki.dir().write("trusted", read_file(ca.certificate));
  WeirProcess weir(R"(
      upstream kept { server %listen_app%; keepalive 8; }
      upstream once { server %listen_app%; keepalive 0; }
      server { listen %listen_app% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 "reused=$ssl_session_reused"; }
      server {
        proxy_ssl_name app.example; proxy_ssl_verify on; proxy_ssl_trusted_certificate %trusted%;
        location /kept { proxy_pass https://kept; }
        location /once { proxy_pass https://once; }
      })", all, {.workers = 1});
  EXPECT_EQ(weir.get("/kept").status, 200);
  EXPECT_TRUE(wait_until([&] { return weir.get("/once").text() == "reused=r"; }));
  std::filesystem::copy_file(other.certificate, trusted, std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(weir.logs("changed: loaded and in force")) << weir.error_log();
  EXPECT_EQ(weir.get("/once").status, 502);
  EXPECT_EQ(weir.get("/kept").status, 502);
}

}  // namespace
}  // namespace weir::test
