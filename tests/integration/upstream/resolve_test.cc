// Servers that are names: followed while Weir serves (`resolve`, `service=`), and never a reason not to start.
#include <gtest/gtest.h>

#include <set>

#include "support/fake_backend.h"
#include "support/fake_name_server.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

class Resolve : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx needs its version 1.27.3, and keeps a group down while a name is unknown"); }

  /// A backend that answers with its address, on one port of several addresses.
  FakeBackend backend(const std::string& address) {
    const std::string at = address + ":" + std::to_string(port_.number());
    return FakeBackend::answering({.body = address}, at);
  }
  Values values() const { return {{"dns", dns_.address()}, {"port", std::to_string(port_.number())}}; }

  /// Whether requests come to be answered by exactly these.
  static bool answered_by(WeirProcess& weir, const std::set<std::string>& wanted) {
    return wait_until([&] {
      std::set<std::string> seen;
      for (int i = 0; i < 6; ++i) {
        const HttpResponse answer = weir.get("/");
        if (answer.status == 200) seen.insert(answer.text());
      }
      return seen == wanted;
    });
  }

  FakeNameServer dns_;
  Port port_;
};

constexpr const char* kFollowed = R"(
    resolver %dns% ipv6=off;
    resolver_timeout 500ms;
    upstream group { zone group 64k; server app.test:%port% resolve max_fails=0; }
    server { location / { proxy_pass http://group; } })";

TEST_F(Resolve, FollowsTheAddressesOfAName) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  WeirProcess weir(kFollowed, values());
  EXPECT_EQ(weir.get("/").text(), "127.0.0.11");  // known before the first request
  dns_.set("app.test", {.addresses = {"127.0.0.11", "127.0.0.12"}});
  EXPECT_TRUE(answered_by(weir, {"127.0.0.11", "127.0.0.12"}));
  dns_.set("app.test", {.addresses = {"127.0.0.12"}});
  EXPECT_TRUE(answered_by(weir, {"127.0.0.12"}));
}

TEST_F(Resolve, ServersThatANameBringsAreChecked) {
  FakeBackend one = backend("127.0.0.11");
  dns_.set("app.test", {.addresses = {"127.0.0.11", "127.0.0.13"}});  // nobody is at the second
  WeirProcess weir(R"(
      resolver %dns% ipv6=off;
      upstream group { zone group 64k; server app.test:%port% resolve max_fails=0; health_check interval=50ms; }
      server { location / { proxy_pass http://group; proxy_next_upstream off; } })",
                   values());
  const std::string port = ":" + std::to_string(port_.number());
  EXPECT_TRUE(weir.logs("health check: 127.0.0.13" + port + " of upstream \"group\" does not work: connect() failed"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
  FakeBackend two = backend("127.0.0.13");
  EXPECT_TRUE(answered_by(weir, {"127.0.0.11", "127.0.0.13"}));
}

TEST_F(Resolve, KeepsTheLastAddressesWhileNameServersFail) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  WeirProcess weir(kFollowed, values());
  EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
  for (const auto& failure : {FakeNameServer::Zone{.code = 2}, FakeNameServer::Zone{.silent = true}}) {
    dns_.set("app.test", failure);
    const std::uint64_t asked = dns_.questions("app.test");
    EXPECT_TRUE(wait_until([&] { return dns_.questions("app.test") >= asked + 2; }));
    for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
  }
  EXPECT_TRUE(weir.logs("app.test could not be resolved (2: Server failure)"));
  dns_.set("app.test", {.addresses = {"127.0.0.12"}});
  EXPECT_TRUE(answered_by(weir, {"127.0.0.12"}));
}

TEST_F(Resolve, AnUnknownNameIsAServerThatIsDownUntilItIsKnown) {
  FakeBackend one = backend("127.0.0.11");
  WeirProcess weir(kFollowed, values());
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_TRUE(weir.logs("app.test could not be resolved (3: Host not found)"));
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  EXPECT_TRUE(answered_by(weir, {"127.0.0.11"}));
  dns_.set("app.test", {.code = 3});  // it is gone, and somebody says so
  EXPECT_TRUE(answered_by(weir, {}));
}

TEST_F(Resolve, AFixedNameThatDoesNotResolveDoesNotStopTheStart) {
  FakeBackend one = backend("127.0.0.11");
  WeirProcess weir(R"(
      upstream group { server absent.invalid:80; server 127.0.0.11:%port%; }
      server { location / { proxy_pass http://group; } })",
                   values());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
  EXPECT_TRUE(weir.logs("[warn]"));
  EXPECT_TRUE(weir.logs("host not found in upstream \"absent.invalid:80\""));
}

TEST_F(Resolve, ServicesBringPortsWeightsAndBackups) {
  FakeBackend heavy = FakeBackend::answering(200, "heavy"), light = FakeBackend::answering(200, "light");
  FakeBackend spare = FakeBackend::answering(200, "spare");
  const auto port_of = [](const FakeBackend& backend) {
    return static_cast<std::uint16_t>(std::stoi(backend.address().substr(backend.address().rfind(':') + 1)));
  };
  dns_.set("host.test", {.addresses = {"127.0.0.1"}});
  dns_.set("_http._tcp.app.test", {.services = {{"host.test", port_of(heavy), 1, 3},
                                                {"host.test", port_of(light), 1, 1},
                                                {"host.test", port_of(spare), 2, 1}}});
  WeirProcess weir(R"(
      resolver %dns% ipv6=off;
      upstream group { zone group 64k; server app.test service=http resolve; }
      server { location / { proxy_pass http://group; } })",
                   values(), {.workers = 1});
  std::map<std::string, int> counts;
  for (int i = 0; i < 40; ++i) ++counts[weir.get("/").text()];
  EXPECT_EQ(counts["heavy"], 30);
  EXPECT_EQ(counts["light"], 10);
  heavy.stop();
  light.stop();
  EXPECT_EQ(weir.get("/").text(), "spare");
}

TEST_F(Resolve, AReloadKeepsWhatIsKnownAlsoWithAnotherPort) {
  Port other;
  FakeBackend one = backend("127.0.0.11");
  FakeBackend moved = FakeBackend::answering({.body = "moved"}, "127.0.0.11:" + std::to_string(other.number()));
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  WeirProcess weir(kFollowed, values());
  EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
  dns_.set("app.test", {.code = 2});
  std::string text = kFollowed;
  weir.reload(text.replace(text.find("%port%"), 6, std::to_string(other.number())));
  EXPECT_TRUE(answered_by(weir, {"moved"}));
}

TEST_F(Resolve, AKindOfAddressThatDoesNotExistIsNoError) {
  FakeBackend one = backend("127.0.0.11");
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  std::string text = kFollowed;
  WeirProcess weir(text.replace(text.find(" ipv6=off"), 9, ""), values());
  EXPECT_EQ(weir.get("/").text(), "127.0.0.11");
}

}  // namespace
}  // namespace weir::test
