// health_check and match: servers that are asked whether they work, wherever they came from.
#include <gtest/gtest.h>

#include <atomic>

#include "support/certificates.h"
#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// A backend that answers requests, and checks (`/health`) as it is told.
class CheckedBackend {
 public:
  explicit CheckedBackend(std::string name)
      : backend_(FakeBackend::handling([this, name](BackendConnection& connection, const HttpRequest& request) {
          if (request.target != "/health") {
            ++requests_;
            connection.answer({.status = 200, .body = name}, request.method);
            return;
          }
          ++checks_;
          connection.answer({.status = status_, .body = healthy_body_ ? "state: up" : "state: down",
                             .fields = {{"X-State", healthy_body_ ? "up" : "down"}}}, request.method);
        })) {}

  void answer_checks_with(int status) { status_ = status; }
  void say_up(bool up) { healthy_body_ = up; }
  int checks() const { return checks_; }
  int requests() const { return requests_; }
  FakeBackend& backend() { return backend_; }
  std::string address() const { return backend_.address(); }

 private:
  std::atomic<int> status_{200}, checks_{0}, requests_{0};
  std::atomic<bool> healthy_body_{true};
  FakeBackend backend_;
};

class HealthCheck : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("active checks are NGINX Plus's"); }
  CheckedBackend a_{"a"}, b_{"b"};
  Values values() const { return {{"a", a_.address()}, {"b", b_.address()}}; }

  static bool serves_only(WeirProcess& weir, const std::string& name) {
    return wait_until([&] {
      for (int i = 0; i < 6; ++i)
        if (weir.get("/").text() != name) return false;
      return true;
    });
  }
  static bool serves_both(WeirProcess& weir) {
    return wait_until([&] { return weir.get("/").text() == "a"; }) && wait_until([&] { return weir.get("/").text() == "b"; });
  }
};

constexpr const char* kChecked = R"(
    upstream group { server %a%; server %b%; zone group 64k; }
    server { location / { proxy_pass http://group; health_check interval=50ms uri=/health fails=2 passes=2; } })";

TEST_F(HealthCheck, TakesAServerOutThatFailsItAndBackInWhenItPasses) {
  WeirProcess weir(kChecked, values());
  EXPECT_TRUE(serves_both(weir));
  b_.answer_checks_with(500);
  EXPECT_TRUE(serves_only(weir, "a"));
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work: status 500"));
  b_.answer_checks_with(302);
  EXPECT_TRUE(serves_both(weir));
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" works"));
}

TEST_F(HealthCheck, FindsADeadServerWithoutAnyRequest) {
  WeirProcess weir(kChecked, values());
  b_.backend().stop();
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work: connect() failed"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").text(), "a");
  EXPECT_EQ(weir.error_log().find("while connecting to upstream"), std::string::npos);
  b_.backend().start();
  EXPECT_TRUE(serves_both(weir));
}

TEST_F(HealthCheck, AsksAtOnceAfterAFailedRequestAndAsksIdleSiblingsToo) {
  CheckedBackend c("c");
  WeirProcess weir(R"(
      upstream group { server %a% max_fails=0; server %b% max_fails=0; server %c% max_fails=0; }
      server { location / { proxy_pass http://group; health_check interval=1h uri=/health; } })",
                   {{"a", a_.address()}, {"b", b_.address()}, {"c", c.address()}});
  // The first, at the start.
  EXPECT_TRUE(wait_until([&] { return a_.checks() == 1 && b_.checks() == 1 && c.checks() == 1; }));
  b_.backend().stop();
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(weir.get("/").status, 200);
    return weir.error_log().find("health check: " + b_.address()) != std::string::npos;
  }));
  // One of the others answered the request that b did not; the other was idle.
  EXPECT_TRUE(wait_until([&] { return a_.checks() + c.checks() >= 3; }));
}

TEST_F(HealthCheck, SendsTheNameOfTheGroupAndUsesThePortGiven) {
  FakeBackend checks = FakeBackend::answering(503);
  const std::string port = checks.address().substr(checks.address().rfind(':') + 1);
  WeirProcess weir(R"(
      upstream group { server %a%; server %b% backup; }
      server { location / { proxy_pass http://group; health_check interval=50ms port=)" + port + R"( uri=/ready?x=1; } })",
                   values());
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" does not work: status 503"));
  EXPECT_EQ(checks.last_request().target, "/ready?x=1");
  EXPECT_EQ(checks.last_request().field("Host"), "group");
  EXPECT_EQ(a_.checks(), 0);
}

TEST_F(HealthCheck, JudgesByItsMatchBlock) {
  WeirProcess weir(R"conf(
      match up { status 200-299; header X-State = up; header ! X-Broken; body ~ "state: (up|fine)"; }
      upstream group { server %a%; server %b%; }
      server { location / { proxy_pass http://group; health_check interval=50ms uri=/health match=up; } })conf",
                   values());
  EXPECT_TRUE(serves_both(weir));
  b_.say_up(false);
  EXPECT_TRUE(serves_only(weir, "a"));
  EXPECT_TRUE(weir.logs("field X-State does not match \"up\""));
  b_.say_up(true);
  EXPECT_TRUE(serves_both(weir));
  a_.answer_checks_with(302);
  EXPECT_TRUE(serves_only(weir, "b"));
  EXPECT_TRUE(weir.logs("status 302 does not match \"up\""));
}

TEST_F(HealthCheck, OfTcpConnectsOrTalks) {
  Port dead;
  FakeBackend silent = FakeBackend::silent();
  FakeBackend greeting = FakeBackend::scripted([](BackendConnection& connection) {
    connection.send("220 ready\r\n");
    connection.hold();
  });
  WeirProcess weir(R"(
      match smtp { expect ~ "^220 "; }
      upstream plain { server %silent%; server %dead%; }
      upstream talks { server %greeting%; server %silent%; }
      server {
        location / { proxy_pass http://plain; health_check type=tcp interval=50ms; }
        location /t { proxy_pass http://talks; health_check type=tcp interval=1s match=smtp; }
      })",
                   {{"silent", silent.address()}, {"greeting", greeting.address()}, {"dead", dead.address()}});
  EXPECT_TRUE(weir.logs("of upstream \"plain\" does not work: connect() failed"));
  EXPECT_TRUE(weir.logs("health check: " + silent.address() + " of upstream \"talks\" does not work: no answer in time"));
  EXPECT_EQ(weir.error_log().find(greeting.address() + " of upstream"), std::string::npos);
}

TEST_F(HealthCheck, MandatoryKeepsANewcomerOutUntilItHasPassed) {
  b_.answer_checks_with(500);
  WeirProcess weir(R"(
      upstream group { server %a%; server %b%; }
      server { location / { proxy_pass http://group; health_check interval=50ms uri=/health mandatory; } })",
                   values());
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" works"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(weir.get("/").text(), "a");
  EXPECT_EQ(b_.requests(), 0);
  b_.answer_checks_with(200);
  EXPECT_TRUE(serves_both(weir));
}

TEST_F(HealthCheck, NeverLeavesARequestUnansweredWhileAServerCanBeReached) {
  WeirProcess weir(kChecked, values());
  a_.answer_checks_with(500);
  b_.answer_checks_with(500);
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" does not work"));
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").status, 200);
}

TEST_F(HealthCheck, OutlivesAReloadAndEndsWithItsDirective) {
  WeirProcess weir(kChecked, values());
  b_.answer_checks_with(500);
  EXPECT_TRUE(serves_only(weir, "a"));
  weir.reload(kChecked);
  EXPECT_TRUE(weir.logs("generation 2 of the configuration is in force"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").text(), "a");
  weir.reload(R"(
      upstream group { server %a%; server %b%; }
      server { location / { proxy_pass http://group; } })");
  EXPECT_TRUE(serves_both(weir));
  const int checks = b_.checks();
  for (int i = 0; i < 20; ++i) weir.get("/");
  EXPECT_LE(b_.checks(), checks + 1);
}

TEST_F(HealthCheck, MayStandInTheUpstreamItself) {
  WeirProcess weir(R"(
      upstream group { server %a%; server %b%; health_check interval=50ms uri=/health; }
      server { location / { proxy_pass http://group; } })",
                   values());
  b_.answer_checks_with(404);
  EXPECT_TRUE(serves_only(weir, "a"));
}

TEST_F(HealthCheck, JitterPutsTheNextOneOff) {
  WeirProcess weir(R"(
      upstream jittery { server %a%; health_check interval=10ms jitter=10h uri=/health; }
      upstream steady { server %b%; health_check interval=10ms uri=/health; }
      server { location / { proxy_pass http://jittery; } location /s { proxy_pass http://steady; } })",
                   values());
  EXPECT_TRUE(wait_until([&] { return b_.checks() >= 30; }));
  EXPECT_EQ(a_.checks(), 1);  // once in some ten thousand runs it comes by within a second or two
}

TEST_F(HealthCheck, MayStandBeforeItsProxyPass) {
  WeirProcess weir(R"(
      server { location / { health_check interval=50ms uri=/health; proxy_pass http://group; } }
      upstream group { server %a%; server %b%; })",
                   values());
  b_.answer_checks_with(404);
  EXPECT_TRUE(serves_only(weir, "a"));
}

TEST_F(HealthCheck, AServerHasToPassAllChecksOfItsGroup) {
  FakeBackend second = FakeBackend::answering(200);
  const std::string port = second.address().substr(second.address().rfind(':') + 1);
  WeirProcess weir(R"(
      upstream group { server %a%; server %b% backup; health_check interval=50ms uri=/health; }
      server { location / { proxy_pass http://group; health_check interval=50ms type=tcp port=)" + port + R"(; } })",
                   values());
  EXPECT_TRUE(serves_only(weir, "a"));
  a_.answer_checks_with(500);
  EXPECT_TRUE(serves_only(weir, "b"));
  a_.answer_checks_with(200);
  EXPECT_TRUE(serves_only(weir, "a"));
  second.stop();
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" does not work: connect() failed"));
  // It passes the other check, time and again.
  const int checks = a_.checks();
  EXPECT_TRUE(wait_until([&] { return a_.checks() >= checks + 5; }));
  second.start();
  EXPECT_TRUE(serves_only(weir, "a"));
  EXPECT_EQ(weir.error_log().find(b_.address() + " of upstream \"group\" does not work: status"), std::string::npos);
}

TEST_F(HealthCheck, RequiresVariablesToBeNeitherEmptyNorZero) {
  WeirProcess weir(R"conf(
      map $upstream_http_x_state $is_up { up 1; default 0; }
      map $upstream_status$upstream_addr $is_known { ~^200127\.0\.0\.1:  yes; }
      match up { require $is_up $is_known; body ~ state; }
      upstream group { server %a%; server %b%; }
      server { location / { proxy_pass http://group; health_check interval=50ms uri=/health match=up; } })conf",
                   values());
  EXPECT_TRUE(serves_both(weir));
  b_.say_up(false);
  EXPECT_TRUE(serves_only(weir, "a"));
  EXPECT_TRUE(weir.logs(b_.address() + " of upstream \"group\" does not work: $is_up is \"0\", which does not match \"up\""));
  b_.say_up(true);
  EXPECT_TRUE(serves_both(weir));
  a_.answer_checks_with(203);
  EXPECT_TRUE(serves_only(weir, "b"));
  EXPECT_TRUE(weir.logs("$is_known is \"\", which does not match \"up\""));
}

TEST_F(HealthCheck, WhatIsRequiredFollowsTheConfiguration) {
  const auto asking_for = [](const std::string& value) {
    return "map $upstream_http_x_state $good { " + value + R"( 1; }
        match up { require $good; }
        upstream group { server %a%; server %b%; }
        server { location / { proxy_pass http://group; health_check interval=50ms uri=/health match=up; } })";
  };
  WeirProcess weir(asking_for("up"), values());
  b_.say_up(false);
  EXPECT_TRUE(serves_only(weir, "a"));
  weir.reload(asking_for("down"));
  EXPECT_TRUE(serves_only(weir, "b"));
  weir.reload(asking_for("up"));
  EXPECT_TRUE(serves_only(weir, "a"));
}

TEST(HealthCheckConf, RefusesWhatCannotWork) {
  WEIR_ONLY("active checks are NGINX Plus's");
  const auto refusal = [](const std::string& text) { return test_config("events { } http { " + text + " }").output; };
  const auto in_location = [&](const std::string& text) {
    return refusal("upstream g { server 127.0.0.1:1; } server { listen 127.0.0.1:1; location / { proxy_pass http://g; " +
                   text + " } }");
  };
  EXPECT_NE(in_location("health_check interval=never;").find("invalid parameter \"interval=never\""), std::string::npos);
  EXPECT_NE(in_location("health_check match=absent;").find("match \"absent\" not found"), std::string::npos);
  EXPECT_NE(in_location("health_check fails=0;").find("invalid parameter \"fails=0\""), std::string::npos);
  EXPECT_NE(in_location("health_check type=grpc;").find("the parameter \"type=grpc\" is none of Weir's"), std::string::npos);
  EXPECT_NE(in_location("health_check udp;").find("invalid parameter \"udp\""), std::string::npos);
  EXPECT_NE(refusal("server { listen 127.0.0.1:1; location / { health_check; } }").find("needs a \"proxy_pass\""),
            std::string::npos);
  EXPECT_NE(refusal("match m { status x; }").find("invalid test \"status x\" in match \"m\""), std::string::npos);
  EXPECT_NE(refusal("match m { require; }").find("invalid test \"require\" in match \"m\""), std::string::npos);
  EXPECT_NE(refusal("match m { require state; }").find("invalid test"), std::string::npos);
  EXPECT_NE(refusal("match m { require $nobody_knows_it; }").find("unknown \"nobody_knows_it\" variable"), std::string::npos);
  EXPECT_NE(refusal("match m { require $upstream_status; send x; }").find("has tests of HTTP and others"), std::string::npos);
}

TEST_F(HealthCheck, ServersThatArePassedToByTlsAreAskedByTls) {
  const Certificates pki;
  const Certificate own = pki.make("group");
  const auto backend = [&](const std::string& health) {
    return WeirProcess("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; location /health { return " +
                           health + "; } location / { return 200 $ssl_server_name; } }",
                       {{"c", own.certificate}, {"k", own.key}});
  };
  WeirProcess good = backend("200"), bad = backend("500");
  WeirProcess weir(R"(
      upstream group { server %good%; server %bad%; }
      server { location / { proxy_pass https://group; health_check interval=50ms uri=/health;
                            proxy_ssl_verify on; proxy_ssl_trusted_certificate %c%; proxy_ssl_server_name on; } })",
                   {{"good", good.address()}, {"bad", bad.address()}, {"c", own.certificate}});
  EXPECT_TRUE(weir.logs("health check: " + bad.address() + " of upstream \"group\" does not work: status 500"));
  EXPECT_EQ(weir.get("/").text(), "group");
  EXPECT_EQ(weir.error_log().find("health check: " + good.address()), std::string::npos) << weir.error_log();
}

TEST_F(HealthCheck, InTheUpstreamTheyAreEncryptedAsWhatIsPassedThere) {
  const Certificates pki;
  const Certificate own = pki.make("group");
  WeirProcess good("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 $ssl_server_name; }",
                   {{"c", own.certificate}, {"k", own.key}});
  a_.backend().allow_malformed_requests();
  const Values values{{"good", good.address()}, {"plain", a_.address()}, {"c", own.certificate}};
  // The names of both servers are the same, so the check shakes hands as the location would.
  constexpr const char* kPassed = R"(
      upstream group { server %good%; server %plain%; health_check interval=50ms uri=/health; }
      server { proxy_ssl_verify on; proxy_ssl_trusted_certificate %c%; proxy_ssl_server_name on;
               location / { proxy_pass https://group; } })";
  WeirProcess weir(kPassed, values);
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" does not work: "));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(weir.get("/").text(), "group");
  EXPECT_EQ(weir.error_log().find("health check: " + good.address()), std::string::npos) << weir.error_log();
}

TEST_F(HealthCheck, TypeHttpAndHttpsSayWhetherTheyAreEncrypted) {
  const Certificates pki;
  const Certificate own = pki.make("group");
  WeirProcess secret("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200; }",
                     {{"c", own.certificate}, {"k", own.key}});
  const std::string port = secret.address().substr(secret.address().rfind(':') + 1);
  b_.backend().allow_malformed_requests();
  WeirProcess weir(R"(
      upstream one { server %a%; health_check type=https uri=/health interval=50ms port=)" + port + R"(; }
      upstream two { server %secret%; health_check type=http uri=/health interval=50ms; }
      upstream three { server %b%; health_check type=https uri=/health interval=50ms; }
      server { location / { proxy_pass http://one; } location /2 { proxy_pass https://two; } location /3 { proxy_pass http://three; } })",
                   {{"a", a_.address()}, {"b", b_.address()}, {"secret", secret.address()}});
  EXPECT_TRUE(weir.logs(secret.address() + " of upstream \"two\" does not work: status 400"));
  EXPECT_TRUE(weir.logs(b_.address() + " of upstream \"three\" does not work: "));
  EXPECT_EQ(weir.error_log().find("of upstream \"one\""), std::string::npos) << weir.error_log();
}

TEST_F(HealthCheck, TypeTlsShakesHands) {
  const Certificates pki;
  const Certificate own = pki.make("group");
  WeirProcess good("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; return 200 good; }",
                   {{"c", own.certificate}, {"k", own.key}});
  WeirProcess weir(R"(
      upstream group { server %good%; server %plain%; }
      server { location / { proxy_pass https://group; health_check interval=50ms type=tls; } })",
                   {{"good", good.address()}, {"plain", a_.address()}});
  a_.backend().allow_malformed_requests();
  EXPECT_TRUE(weir.logs("health check: " + a_.address() + " of upstream \"group\" does not work: "));
  EXPECT_EQ(weir.get("/").text(), "good");
  EXPECT_EQ(weir.error_log().find("health check: " + good.address()), std::string::npos) << weir.error_log();
}

}  // namespace
}  // namespace weir::test
