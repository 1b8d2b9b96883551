// Coming back with a session, and certificates that change while Weir runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

struct Resumption {
  std::string first, second;
};

/// Two visits of one client, the second with the session of the first; what `$ssl_session_reused` said.
template <class Between>
Resumption visit_twice(WeirProcess& weir, const std::string& version, const std::string& listen, Between between) {
  const std::string session = weir.dir().path() / "session.pem";
  Resumption said;
  said.first = s_client(weir, "/", version + " -sess_out " + session, listen);
  between();
  said.second = s_client(weir, "/", version + " -sess_in " + session, listen);
  return said;
}

constexpr const char* kServers = R"(
    ssl_certificate %c%; ssl_certificate_key %k%;
    server { listen %listen% ssl; return 200 "reused=$ssl_session_reused"; }
    server { listen %listen_cache% ssl; ssl_session_cache shared:S:1m; ssl_session_tickets off;
             return 200 "reused=$ssl_session_reused"; }
    server { listen %listen_off% ssl; ssl_session_cache off; ssl_session_tickets off;
             return 200 "reused=$ssl_session_reused"; })";

TEST(TlsSessions, AreFoundByAllThreadsAndOutliveAReload) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(kServers, {{"c", own.certificate}, {"k", own.key}}, {.workers = 4});
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    for (const char* listen : {"listen", "listen_cache"}) {
      SCOPED_TRACE(std::string(version) + " " + listen);
      const Resumption said = visit_twice(weir, version, listen, [] {});
      EXPECT_THAT(said.first, HasSubstr("reused=."));
      EXPECT_THAT(said.second, HasSubstr("reused=r"));
    }
  }
  unsigned generation = 1;
  for (const char* listen : {"listen", "listen_cache"}) {
    SCOPED_TRACE(listen);
    const Resumption said = visit_twice(weir, "-tls1_3", listen, [&] {
      weir.reload(kServers);
      ASSERT_TRUE(weir.logs("generation " + std::to_string(++generation) + " of the configuration is in force"));
    });
    EXPECT_THAT(said.second, HasSubstr("reused=r"));
  }
  EXPECT_THAT(visit_twice(weir, "-tls1_2", "listen_off", [] {}).second, HasSubstr("reused=."));
}

TEST(TlsSessions, ACommandMayTurnTicketsOn) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%; ssl_session_tickets off;
      server { listen %listen% ssl; ssl_conf_command Options SessionTicket; return 200 "reused=$ssl_session_reused"; }
      server { listen %listen_off% ssl; return 200 "reused=$ssl_session_reused"; })",
                   {{"c", own.certificate}, {"k", own.key}});
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    EXPECT_THAT(visit_twice(weir, version, "listen", [] {}).second, HasSubstr("reused=r")) << version;
    EXPECT_THAT(visit_twice(weir, version, "listen_off", [] {}).second, HasSubstr("reused=.")) << version;
  }
}

TEST(TlsSessions, TicketKeysFromFilesAreSharedByWhoeverHasThem) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  const std::string first = pki.dir().write("first", std::string(80, '1')), second = pki.dir().write("second", std::string(48, '2'));
  const auto text = [](const char* keys) {
    return std::string("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ") + keys +
           " return 200 \"reused=$ssl_session_reused\"; }";
  };
  const Values values = {{"c", own.certificate}, {"k", own.key}, {"first", first}, {"second", second}};
  const std::string session = pki.dir().path() / "session.pem";
  WeirProcess one(text("ssl_session_ticket_key %first%;"), values);
  WeirProcess both(text("ssl_session_ticket_key %second%; ssl_session_ticket_key %first%;"), values);
  WeirProcess none(text(""), values);
  EXPECT_THAT(s_client(one, "/", "-sess_out " + session), HasSubstr("reused=."));
  EXPECT_THAT(s_client(both, "/", "-sess_in " + session), HasSubstr("reused=r"));
  EXPECT_THAT(s_client(none, "/", "-sess_in " + session), HasSubstr("reused=."));
}

// Who takes a key away wants the sessions of it to end.
TEST(TlsSessions, TicketKeysFollowTheirFiles) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  const std::string current = pki.dir().write("current", std::string(80, '1')), before = pki.dir().write("before", std::string(80, '0'));
  WeirProcess weir(R"(server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%;
                      ssl_session_ticket_key %current%; ssl_session_ticket_key %before%; return 200 "reused=$ssl_session_reused"; })",
                   {{"c", own.certificate}, {"k", own.key}, {"current", current}, {"before", before}});
  weir.allow_alerts();
  const std::string session = pki.dir().path() / "session.pem";
  const auto come_back = [&] { return s_client(weir, "/", "-sess_in " + session); };
  EXPECT_THAT(s_client(weir, "/", "-sess_out " + session), HasSubstr("reused=."));
  EXPECT_THAT(come_back(), HasSubstr("reused=r"));
  // Not all of a rotation, and the next key is broken: what was there stays in force.
  pki.dir().write("before", std::string(80, '1'));
  pki.dir().write("current", "short");
  EXPECT_TRUE(weir.logs("must be a file of 48 or 80 octets; what was loaded before stays in force")) << weir.error_log();
  EXPECT_THAT(come_back(), HasSubstr("reused=r"));
  pki.dir().write("current", std::string(80, '2'));
  EXPECT_TRUE(weir.logs("changed: loaded and in force")) << weir.error_log();
  EXPECT_THAT(come_back(), HasSubstr("reused=r"));
  pki.dir().write("before", std::string(80, '3'));
  EXPECT_TRUE(wait_until([&] { return come_back().find("reused=.") != std::string::npos; }));
}

// Tickets leave together with the first answer; who asks for nothing must have them all the same.
TEST(TlsSessions, TicketsComeToAClientThatAsksForNothing) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(kServers, {{"c", own.certificate}, {"k", own.key}});
  const std::string session = weir.dir().path() / "session.pem";
  const std::string silent = "sleep 2 | timeout 15 openssl s_client -connect " + weir.address() + " -tls1_3 -sess_out " + session;
  const std::string said = run_program({"/bin/sh", "-c", silent + " 2>&1"}).output;
  ASSERT_TRUE(std::filesystem::exists(session)) << said;
  EXPECT_THAT(s_client(weir, "/", "-tls1_3 -sess_in " + session), HasSubstr("reused=r"));
}

void replace(const std::string& from, const std::string& to) {
  std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
  std::filesystem::rename(to + ".new", to);
}

TEST(TlsRenewal, NewFilesAreInForceWithoutAReloadAndABrokenPairIsNot) {
  const Certificates pki;
  const Certificate old = pki.make("localhost", {}, "old"), fresh = pki.make("localhost", {}, "fresh"),
                    live = pki.make("localhost", {}, "live");
  replace(old.certificate, live.certificate);
  replace(old.key, live.key);
  WeirProcess weir(R"(server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok; })",
                   {{"c", live.certificate}, {"k", live.key}});
  weir.allow_alerts();
  const auto shows = [&](const Certificate& which) {
    return curl(weir, "localhost", "/", {"--cacert", which.certificate}).output == "ok";
  };
  EXPECT_TRUE(shows(old));
  replace(fresh.certificate, live.certificate);  // half a pair
  EXPECT_TRUE(weir.logs("changed and cannot be used")) << weir.error_log();
  EXPECT_TRUE(weir.logs("is good for 364 days"));
  EXPECT_TRUE(shows(old));
  replace(fresh.key, live.key);
  EXPECT_TRUE(weir.logs("loaded and in force")) << weir.error_log();
  EXPECT_TRUE(shows(fresh));
  EXPECT_FALSE(shows(old));
}

}  // namespace
}  // namespace weir::test
