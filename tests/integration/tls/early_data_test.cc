// Requests that come along with a client's hello (TLS 1.3 early data).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "support/certificates.h"
#include "support/fake_backend.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

class TlsEarlyData : public testing::Test {
 protected:
  Values values(const std::string& app = {}) const { return {{"c", own.certificate}, {"k", own.key}, {"app", app}}; }

  /// A first visit, which leaves a session behind.
  void visit(WeirProcess& weir, const std::string& options = {}) const {
    s_client(weir, "/", "-tls1_3 -sess_out " + session + " " + options);
  }
  /// A second one, whose request comes early. What the client says and gets.
  std::string come_back(WeirProcess& weir, const std::string& request, const std::string& options = {}) const {
    const std::string file = pki.dir().write("early", request);
    return run_program({"/bin/sh", "-c", "timeout 15 openssl s_client -ign_eof -tls1_3 -connect " + weir.address("listen") +
                                             " -sess_in " + session + " -early_data " + file + " " + options +
                                             " 2>&1 </dev/null"})
        .output;
  }
  /// What a client that comes back sends before it hears anything.
  std::string first_flight(const std::string& request) const;

  const Certificates pki;
  const Certificate own = pki.make("localhost");
  const std::string session = pki.dir().path() / "session.pem";
};

const std::string kGet = "GET /early HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Up to the end of the first record of application data.
bool has_early_record(const std::string& octets) {
  for (std::size_t at = 0; at + 5 <= octets.size();) {
    const std::size_t end = at + 5 + (static_cast<unsigned char>(octets[at + 3]) << 8 | static_cast<unsigned char>(octets[at + 4]));
    if (octets[at] == 23) return end <= octets.size();
    at = end;
  }
  return false;
}

std::string TlsEarlyData::first_flight(const std::string& request) const {
  std::string flight;
  std::atomic<bool> whole{false};
  FakeBackend mute = FakeBackend::scripted([&](BackendConnection& connection) {
    while (!has_early_record(flight))
      if (connection.socket().receive(flight) != IoStatus::Ok) return;
    whole = true;
  });
  const std::string file = pki.dir().write("early", request);
  run_program({"/bin/sh", "-c", "timeout 15 openssl s_client -tls1_3 -connect " + mute.address() + " -sess_in " + session +
                                    " -early_data " + file + " </dev/null 2>&1"});
  EXPECT_TRUE(wait_until([&] { return whole.load(); }));
  return flight;
}

TEST_F(TlsEarlyData, IsAnsweredWhole) {
  FakeBackend app = FakeBackend::answering(200, std::string(300'000, 'x') + "the end");
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_early_data on;
               location / { proxy_pass http://%app%; } })",
                   values(app.address()));
  visit(weir);
  const std::string said = come_back(weir, kGet);
  EXPECT_THAT(said, HasSubstr("Early data was accepted"));
  EXPECT_NE(said.find("the end"), said.npos) << "the answer, before and after the end of the handshake";
  ASSERT_EQ(app.request_count(), 2u);
  EXPECT_EQ(app.last_request().target, "/early");
}

// Here the client never completes its handshake: whether it is complete when the request is passed on is a race.
TEST_F(TlsEarlyData, BackendsAreToldAndMayFindItTooEarly) {
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    connection.answer({.status = request.has("Early-Data") ? 425 : 200, .body = request.has("Early-Data") ? "" : "in time"});
  });
  WeirProcess weir(R"(
      access_log %dir%/access.log combined;
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_early_data on;
               location / { proxy_pass http://%app%; proxy_set_header Early-Data $ssl_early_data; } })",
                   values(app.address()));
  visit(weir);
  EXPECT_FALSE(app.last_request().has("Early-Data"));
  RawClient client(weir.address("listen"));
  client.send(first_flight(kGet));
  EXPECT_TRUE(weir.accesses("\"GET /early HTTP/1.1\" 425 ")) << weir.access_log() << weir.error_log();
  EXPECT_EQ(app.last_request().field("Early-Data"), "1");
  EXPECT_THAT(s_client(weir, "/", "-tls1_3 -sess_in " + session), HasSubstr("in time"));
}

TEST_F(TlsEarlyData, IsNotTakenTwice) {
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_early_data on;
               location / { proxy_pass http://%app%; } })",
                   values(app.address()), {.workers = 1});
  visit(weir);
  const std::string flight = first_flight(kGet);
  const auto overhear = [&] {
    RawClient client(weir.address());
    client.send(flight);
    EXPECT_EQ(client.read_bytes(1).size(), 1u) << "our side of the handshake";
    s_client(weir, "/barrier");
  };
  overhear();
  EXPECT_TRUE(wait_until([&] { return app.request_count() == 3; })) << "the first visit, the early request, the barrier";
  overhear();
  EXPECT_EQ(app.request_count(), 4u) << "but for the barrier nothing more";
  EXPECT_EQ(app.last_request().target, "/barrier");
}

TEST_F(TlsEarlyData, IsForTheServersThatWantItOnly) {
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen% ssl; server_name localhost; return 200 "early=[$ssl_early_data]"; }
      server { listen %listen% ssl; server_name eager.example; ssl_early_data on; return 200 "early=[$ssl_early_data]"; })",
                   values());
  visit(weir);
  EXPECT_THAT(come_back(weir, kGet), HasSubstr("Early data was not sent"));
  visit(weir, "-servername eager.example");
  const std::string said = come_back(weir, "GET / HTTP/1.1\r\nHost: eager.example\r\nConnection: close\r\n\r\n", "-servername eager.example");
  EXPECT_THAT(said, HasSubstr("Early data was accepted"));
  EXPECT_THAT(s_client(weir, "/", "-tls1_2 -servername eager.example"), HasSubstr("early=[]"));
  EXPECT_THAT(s_client(weir, "/", "-tls1_3 -servername eager.example"), HasSubstr("early=[]"));
}

}  // namespace
}  // namespace weir::test
