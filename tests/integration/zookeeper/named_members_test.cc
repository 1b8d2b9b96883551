// Members that are announced by the names of hosts: a real registry, name servers that say what they are told, a load.
#include <gtest/gtest.h>

#include <set>

#include "served_by.h"
#include "support/fake_backend.h"
#include "support/fake_name_server.h"
#include "support/load_generator.h"
#include "support/weir_process.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kConfig = R"(
    keepalive_requests 1000000;
    resolver %dns% ipv6=off;
    resolver_timeout 500ms;
    upstream group { zk_cluster %zk%; zk_session 1s; zk_cache on; zk_allow 127.0.0.0/24 127.0.2.0/24; }
    server { location / { proxy_pass http://group; } location = /discovery { zk_status; } })";

class NamedMembers : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }

  /// A backend that tells its address, on one port of several addresses.
  FakeBackend backend(const std::string& ip) {
    return FakeBackend::echoing(ip, milliseconds(0), ip + ":" + std::to_string(port_.number()));
  }
  void announce(const std::string& host, const std::string& fields = {}) {
    nodes_.create_ephemeral("/weir/group/members/" + host + ":" + std::to_string(port_.number()) + fields);
  }
  Values values() const { return {{"zk", server_.address()}, {"dns", dns_.address()}}; }

  static ::testing::AssertionResult served_by(WeirProcess& weir, const std::set<std::string>& wanted) {
    ::testing::AssertionResult result = test::served_by(weir, wanted);
    return result ? result : result << weir.get("/discovery").text();
  }

  ZooKeeperServer server_;
  ZooKeeperNodes nodes_{server_.address()};
  FakeNameServer dns_;
  Port port_;
};

TEST_F(NamedMembers, ServeFromTheFirstRequestAndFollowTheirNames) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  announce("app.test");
  WeirProcess weir(kConfig, values());
  EXPECT_EQ(weir.get("/").field("X-Backend"), "127.0.0.11");
  LoadGenerator load(weir.address());
  dns_.set("app.test", {.addresses = {"127.0.0.11", "127.0.0.12"}});
  EXPECT_TRUE(served_by(weir, {"127.0.0.11", "127.0.0.12"}));
  dns_.set("app.test", {.addresses = {"127.0.0.12"}});
  EXPECT_TRUE(served_by(weir, {"127.0.0.12"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(NamedMembers, KeepTheirLastAddressesWhateverNameServersDo) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  dns_.set("one.test", {.addresses = {"127.0.0.11"}});
  dns_.set("two.test", {.addresses = {"127.0.0.12"}});
  announce("one.test");
  announce("two.test");
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"127.0.0.11", "127.0.0.12"}));
  LoadGenerator load(weir.address());
  const FakeNameServer::Zone faults[] = {{.silent = true}, {.code = 2}, {.code = 3}};
  for (const auto& fault : faults) {
    const auto asked = dns_.questions("one.test");
    dns_.set("one.test", fault);
    dns_.set("two.test", fault);
    ASSERT_TRUE(wait_until([&] { return dns_.questions("one.test") > asked; }, 60s)) << "the old answer is over";
    ASSERT_TRUE(load.wait_for(300));
    EXPECT_TRUE(served_by(weir, {"127.0.0.11", "127.0.0.12"}));
  }
  EXPECT_TRUE(wait_until([&] { return weir.get("/discovery").text().find("hosts that cannot be resolved: 2") != std::string::npos; }));
  EXPECT_NE(weir.error_log().find("hosts of members cannot be resolved: "), std::string::npos);
  // News from the registry arrives all the same, also that one of them is leaving.
  nodes_.rename("/weir/group/members/one.test:" + std::to_string(port_.number()),
                "/weir/group/members/one.test:" + std::to_string(port_.number()) + ",s=drain");
  EXPECT_TRUE(served_by(weir, {"127.0.0.12"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(NamedMembers, AreDownUntilTheirNamesResolve) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  dns_.set("one.test", {.addresses = {"127.0.0.11"}});
  announce("one.test");
  announce("two.test");
  WeirProcess weir(kConfig, values());
  LoadGenerator load(weir.address());
  EXPECT_TRUE(served_by(weir, {"127.0.0.11"}));
  EXPECT_NE(weir.error_log().find("two.test (3: Host not found)"), std::string::npos) << weir.error_log();
  dns_.set("two.test", {.addresses = {"127.0.0.12"}});
  EXPECT_TRUE(served_by(weir, {"127.0.0.11", "127.0.0.12"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(NamedMembers, DoNotGetAroundTheRulesForAddresses) {
  FakeBackend inside = backend("127.0.0.11"), outside = backend("127.0.1.11"), also_inside = backend("127.0.2.11");
  dns_.set("app.test", {.addresses = {"127.0.1.11", "127.0.0.11", "169.254.169.254"}});
  dns_.set("evil.test", {.addresses = {"127.0.1.11"}});
  announce("app.test");
  announce("evil.test");
  WeirProcess weir(kConfig, values());
  EXPECT_TRUE(served_by(weir, {"127.0.0.11"}));
  EXPECT_NE(weir.error_log().find("evil.test (address not allowed)"), std::string::npos) << weir.error_log();
  // Also one that was good does not become a way to somewhere else.
  dns_.set("app.test", {.addresses = {"127.0.1.11", "127.0.2.11"}});
  EXPECT_TRUE(served_by(weir, {"127.0.2.11"}));
  EXPECT_EQ(outside.connection_count(), 0u);
}

TEST_F(NamedMembers, ServeFromTheCacheWithoutRegistryAndNameServers) {
  FakeBackend one = backend("127.0.0.11");
  dns_.set("one.test", {.addresses = {"127.0.0.11"}});
  announce("one.test");
  TempDir dir("cache");
  Values all = values();
  all["cache"] = (dir.path() / "group").string();
  constexpr const char* kCached = R"(
    resolver %dns% ipv6=off;
    upstream group { zk_cluster %zk%; zk_cache %cache%; }
    server { location / { proxy_pass http://group; } })";
  {
    WeirProcess weir(kCached, all);
    EXPECT_EQ(weir.get("/").status, 200);
    EXPECT_TRUE(wait_until([&] { return read_file(dir.path() / "group").find("127.0.0.11") != std::string::npos; }));
  }
  server_.kill();
  dns_.set("one.test", {.silent = true});
  WeirProcess weir(kCached, all);
  EXPECT_EQ(weir.get("/").field("X-Backend"), "127.0.0.11") << "from the first request on";
}

TEST_F(NamedMembers, AreResolvedAnewWhenTheResolverOfAConfigurationChanges) {
  FakeBackend one = backend("127.0.0.11"), two = backend("127.0.0.12");
  FakeNameServer other;
  dns_.set("app.test", {.addresses = {"127.0.0.11"}});
  other.set("app.test", {.addresses = {"127.0.0.12"}});
  announce("app.test");
  WeirProcess weir(kConfig, values());
  LoadGenerator load(weir.address());
  EXPECT_TRUE(served_by(weir, {"127.0.0.11"}));
  std::string changed = kConfig;
  changed.replace(changed.find("%dns%"), 5, other.address());
  weir.reload(changed);
  EXPECT_TRUE(served_by(weir, {"127.0.0.12"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(NamedMembers, AreResolvedBySystemWhereNoResolverIsConfigured) {
  FakeBackend app = FakeBackend::echoing("app");
  const std::string port = app.address().substr(app.address().find(':'));
  nodes_.create_ephemeral("/weir/group/members/localhost" + port);
  WeirProcess weir(R"(
    upstream group { zk_cluster %zk%; zk_allow 127.0.0.0/8; }
    server { location / { proxy_pass http://group; } })", values());
  EXPECT_TRUE(served_by(weir, {"app"}));
}

}  // namespace
}  // namespace weir::test
