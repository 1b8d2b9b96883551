// health_check and match of sessions: by datagrams, by connections, by TLS.
#include <set>

#include "stream_world.h"
#include "support/certificates.h"
#include "support/udp.h"

namespace weir::test {
namespace {

class SessionCheck : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("active checks are NGINX Plus's"); }

  /// Answers `ping` with `state()`, and all else with its name.
  static std::unique_ptr<UdpBackend> udp(std::string name, const std::atomic<bool>& works) {
    return std::make_unique<UdpBackend>([name, &works](const std::string& octets, const std::string&) {
      return octets == "ping" ? std::vector<std::string>{works ? "pong" : "no"} : std::vector<std::string>{name};
    });
  }
  static bool only(WeirProcess& weir, const std::string& name) {
    return wait_until([&] {
      for (int i = 0; i < 6; ++i)
        if (udp_client(weir.address()).ask("who", milliseconds(1000)) != name) return false;
      return true;
    });
  }
  static bool both(WeirProcess& weir) {
    std::set<std::string> seen;
    return wait_until([&] {
      seen.insert(udp_client(weir.address()).ask("who", milliseconds(1000)));
      return seen.contains("a") && seen.contains("b");
    });
  }
};

TEST_F(SessionCheck, OfDatagramsJudgesTheAnswer) {
  std::atomic<bool> a_works{true}, b_works{true};
  const auto a = udp("a", a_works), b = udp("b", b_works);
  WeirProcess weir(R"(
      match pong { send ping; expect ~ "^po+ng$"; }
      upstream group { server %a%; server %b%; }
      server { listen %listen% udp; proxy_pass group; health_check udp interval=50ms match=pong; })",
                   {{"a", a->address()}, {"b", b->address()}}, in_stream());
  EXPECT_TRUE(both(weir));
  b_works = false;
  EXPECT_TRUE(only(weir, "a"));
  EXPECT_TRUE(weir.logs("health check: " + b->address() + " of upstream \"group\" does not work: the answer does not match \"pong\""));
  b_works = true;
  EXPECT_TRUE(both(weir));
}

TEST_F(SessionCheck, OfDatagramsWithoutMatchFindsAClosedPortAndToleratesSilence) {
  Port dead;
  const UdpBackend silent([](const std::string&, const std::string&) { return std::vector<std::string>(); });
  WeirProcess weir(R"(
      upstream group { server %silent%; server %dead%; }
      server { listen %listen% udp; proxy_pass group; health_check udp interval=50ms; })",
                   {{"silent", silent.address()}, {"dead", dead.address()}}, in_stream());
  EXPECT_TRUE(weir.logs("health check: " + dead.address() + " of upstream \"group\" does not work: recv() failed (111: Connection refused)"));
  EXPECT_TRUE(wait_until([&] { return silent.count() >= 2; }));
  EXPECT_EQ(silent.received()[0], "nginx health check");
  EXPECT_EQ(weir.error_log().find("health check: " + silent.address()), std::string::npos) << weir.error_log();
}

TEST_F(SessionCheck, WhoDoesNotAnswerInTimeDoesNotWork) {
  const UdpBackend silent([](const std::string&, const std::string&) { return std::vector<std::string>(); });
  FakeBackend mute = FakeBackend::silent();
  WeirProcess weir(R"(
      match greets { expect hello; }
      upstream datagrams { server %silent%; }
      upstream streams { server %mute%; }
      health_check_timeout 100ms;
      server { listen %listen% udp; proxy_pass datagrams; health_check udp interval=1h match=greets; }
      server { listen 127.0.0.1:%port%; proxy_pass streams; health_check interval=1h match=greets; })",
                   {{"silent", silent.address()}, {"mute", mute.address()}}, in_stream());
  EXPECT_TRUE(weir.logs("of upstream \"datagrams\" does not work: no answer in time"));
  EXPECT_TRUE(weir.logs("of upstream \"streams\" does not work: no answer in time"));
}

TEST_F(SessionCheck, IsEncryptedWhereTheSessionsAre) {
  const Certificates pki;
  const Certificate own = pki.make("group");
  WeirProcess good("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return hello; }",
                   {{"c", own.certificate}, {"k", own.key}}, in_stream());
  FakeBackend plain = FakeBackend::scripted([](BackendConnection& connection) {
    connection.send("hello");
    connection.hold();
  });
  WeirProcess weir(R"(
      match greets { expect hello; }
      upstream group { server %good%; server %plain%; }
      proxy_ssl on;
      server { listen %listen%; proxy_pass group; health_check interval=50ms match=greets; })",
                   {{"good", good.address()}, {"plain", plain.address()}}, in_stream());
  EXPECT_TRUE(weir.logs("health check: " + plain.address() + " of upstream \"group\" does not work: "));
  EXPECT_EQ(say(weir.address(), "", 5), "hello");
  EXPECT_EQ(weir.error_log().find("health check: " + good.address()), std::string::npos) << weir.error_log();
}

}  // namespace
}  // namespace weir::test
