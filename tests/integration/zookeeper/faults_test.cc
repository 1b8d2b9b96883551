// What happens to the registry must not happen to the traffic: faults by script, a load running, no request lost.
//
// In the suite each fault lasts a moment. WEIR_LONG=1 gives them the time they take in life: a minute without a quorum,
// ten thousand members that come and go. What is to be survived, and where it is played:
//
//   leader killed, leader frozen, each follower frozen (so that of our session, too), rolling restart, quorum lost and back:
//       EnsembleFaults.StopNoRequestWhateverHappensToItsServers
//   our session expired: RegistryFaults.ASessionThatExpired…         members' sessions: RegistryFaults.AllMembersThatVanish…
//   data wiped: ZooKeeperMembers.AreNotLostWhenZooKeeperReturnsEmpty  older data restored: RegistryFaults.AnOlderCopy…
//   parent deleted and made again: RegistryFaults.AParentThat…        10 000 members churn: RegistryFaults.ManyMembers…
//   names malformed, twice, 1 MB, deep JSON, bad UTF-8: RegistryFaults.NodesOfAllKindsOfGarbage…
//   resolver failing: ResolverFaults (the ensemble's names), NamedMembers (those of members)      clock stepped: ClockFaults
//   many of these in random order: tests/unit/discovery/simulation_test.cc
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "scene.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

class RegistryFaults : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }
  ZooKeeperServer server_;
};

TEST_F(RegistryFaults, AllMembersThatVanishAtOnceAreKeptAndFollowedAgain) {
  Scene scene(server_.address(), server_.address());
  scene.end_members_session();
  ASSERT_TRUE(wait_until([&] { return scene.weir->error_log().find("too many are gone at once") != std::string::npos; }));
  ASSERT_TRUE(scene.load->wait_for(500));
  EXPECT_TRUE(scene.serves({"a", "b", "c"}));
  const std::string told = scene.weir->get("/discovery").body.text();
  EXPECT_NE(told.find("upstream group\nstate: synced for "), std::string::npos) << told;
  EXPECT_NE(told.find("members: 3, held: 3"), std::string::npos) << told;
  EXPECT_NE(told.find("held: too many are gone at once: 3"), std::string::npos) << told;
  scene.follows_news();
}

TEST_F(RegistryFaults, AParentThatIsDeletedAndMadeAgainTakesNobodyAway) {
  Scene scene(server_.address(), server_.address());
  for (const FakeBackend* each : {&scene.a, &scene.b, &scene.c}) scene.nodes().remove(kMembers + each->address());
  scene.nodes().remove("/weir/group/members");
  ASSERT_TRUE(scene.load->wait_for(300));
  EXPECT_TRUE(scene.serves({"a", "b", "c"}));
  for (const FakeBackend* each : {&scene.a, &scene.b, &scene.c}) scene.nodes().create_ephemeral(kMembers + each->address());
  scene.follows_news();
}

TEST_F(RegistryFaults, AnOlderCopyThatIsRestoredTakesNobodyAway) {
  Scene scene(server_.address(), server_.address());
  server_.stop();
  server_.save_data();
  server_.start();
  const std::string late = kStatic + scene.d.address();
  ASSERT_TRUE(wait_until([&] { return scene.tries([&](ZooKeeperNodes& nodes) { nodes.create(late); }); }));
  ASSERT_TRUE(scene.serves({"a", "b", "c", "d"}));
  server_.stop();
  server_.restore_data();
  server_.start();
  ASSERT_TRUE(wait_until([&] { return scene.weir->get("/discovery").text().find("held: 1") != std::string::npos; }, 60s))
      << scene.weir->get("/discovery").text() << scene.weir->error_log();
  ASSERT_TRUE(scene.load->wait_for(500));
  if (is_long()) std::this_thread::sleep_for(30s);
  EXPECT_TRUE(scene.serves({"a", "b", "c", "d"}));
  const RunResult accepted =
      run_program({weir_binary(), "zk", "accept", "--zk", server_.address(), "--path", "/weir/group"});
  EXPECT_EQ(accepted.exit_code, 0) << accepted.output;
  EXPECT_TRUE(scene.serves({"a", "b", "c"})) << "an operator said so";
  scene.follows_news();
}

TEST_F(RegistryFaults, ASessionThatExpiredBecauseTheProxyStoodStillIsReplaced) {
  Scene scene(server_.address(), server_.address());
  scene.weir->signal(SIGSTOP);
  const auto sessions = [&] {
    const std::string text = server_.ask("cons");
    std::size_t count = 0;
    for (std::size_t at = text.find("sid=0x"); at != text.npos; at = text.find("sid=0x", at + 1)) ++count;
    return count;
  };
  EXPECT_TRUE(wait_until([&] { return sessions() == 1; })) << "only that of the members is left";
  if (is_long()) std::this_thread::sleep_for(5s);
  scene.weir->signal(SIGCONT);
  ASSERT_TRUE(scene.load->wait_for(200));
  scene.follows_news();
}

TEST_F(RegistryFaults, NodesOfAllKindsOfGarbageHarmNobody) {
  Scene scene(server_.address(), server_.address());
  ZooKeeperNodes& nodes = scene.nodes();
  nodes.create("/weir/group/deep", R"({"host":"10.0.0.1","port":80,"x":)" + std::string(5000, '[') + std::string(5000, ']') + "}");
  nodes.create("/weir/group/large", std::string(1'000'000, 'x'));
  nodes.create("/weir/group/member_0000000001", "{\"serviceEndpoint\":{\"host\":\"10.0.0.1\",\"port\":1}}");
  nodes.create("/weir/group/not-utf8", "{\"host\":\"\xc3\x28\",\"port\":80}");
  nodes.create("/weir/group/empty");
  nodes.create("/weir/group/metadata", R"({"host":"169.254.169.254","port":80})");
  nodes.create("/weir/group/policy", R"({"v":1,"rules":[{"match":"everybody","drain":true}]})");
  for (const char* name : {"10.0.0.1", "10.0.0.1:99999", "10.0.0.1:80,w=-1,x", "\xc3\xa9:80", "224.0.0.1:80"}) {
    nodes.create(kStatic + name);
  }
  nodes.create(kStatic + scene.a.address() + ",w=100,z=twice");
  ASSERT_TRUE(wait_until([&] { return scene.weir->error_log().find("too much data") != std::string::npos; }))
      << scene.weir->error_log();
  EXPECT_TRUE(scene.serves({"a", "b", "c"}));
  scene.follows_news();
  EXPECT_LT(scene.weir->error_log().size(), 200'000u) << "no flood of words";
}

TEST_F(RegistryFaults, AStartWithoutTheRegistryServesFromTheCache) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  TempDir dir("cache");
  const Values values{{"zk", server_.address()}, {"cache", (dir.path() / "group").string()}};
  constexpr const char* kCached = R"(
    upstream group { zk_cluster %zk%; zk_cache %cache%; }
    server { location / { proxy_pass http://group; } })";
  ZooKeeperNodes nodes(server_.address());
  nodes.create(kStatic + a.address());
  nodes.create_ephemeral(kMembers + b.address() + ",w=100");
  {
    WeirProcess weir(kCached, values);
    EXPECT_TRUE(wait_until([&] { return weir.get("/").status == 200; }));
  }
  server_.kill();
  WeirProcess weir(kCached, values);
  std::vector<std::string> seen;
  for (int i = 0; i < 10; ++i) seen.push_back(weir.get("/").field("X-Backend"));
  EXPECT_EQ(std::ranges::count(seen, "a"), 5) << "each request from the first on";
  EXPECT_EQ(std::ranges::count(seen, "b"), 5);
  EXPECT_NE(weir.error_log().find("2 members from the cache"), std::string::npos);
}

TEST_F(RegistryFaults, AnOperatorsWordIsObeyedByAllAtOnce) {
  Scene scene(server_.address(), server_.address());
  const auto tool = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {weir_binary(), "zk"});
    for (const std::string& word : {std::string("--zk"), server_.address(), std::string("--path"), std::string("/weir/group")})
      words.push_back(word);
    return run_program(words);
  };
  const std::string address = scene.b.address();
  const RunResult tried = tool({"drain", "--address", address, "--dry-run"});
  EXPECT_EQ(tried.exit_code, 0) << tried.output;
  EXPECT_NE(tried.output.find("~ " + address), std::string::npos) << tried.output;
  EXPECT_TRUE(scene.nodes().children("/weir/group").size() == 1u) << "nothing was written";
  EXPECT_EQ(tool({"drain", "--address", address}).exit_code, 0);
  EXPECT_TRUE(scene.serves({"a", "c"}));
  EXPECT_EQ(tool({"freeze"}).exit_code, 0);
  scene.nodes().create(kStatic + scene.d.address());
  EXPECT_EQ(tool({"undrain", "--address", address}).exit_code, 0);
  EXPECT_TRUE(scene.serves({"a", "b", "c"})) << "d is not heard of while frozen";
  EXPECT_EQ(tool({"freeze", "--off"}).exit_code, 0);
  EXPECT_TRUE(scene.serves({"a", "b", "c", "d"}));
  EXPECT_EQ(tool({"weight", "--address", address, "--weight", "0"}).exit_code, 0);
  EXPECT_TRUE(scene.serves({"a", "c", "d"}));
  const RunResult shown = tool({"show"});
  EXPECT_NE(shown.output.find("\"weight\":0"), std::string::npos) << shown.output;
  EXPECT_EQ(tool({"weight", "--address", address, "--off"}).exit_code, 0);
  scene.nodes().remove(kStatic + scene.d.address());
  scene.end_members_session();
  ASSERT_TRUE(wait_until([&] { return scene.weir->error_log().find("too many are gone at once") != std::string::npos; }));
  EXPECT_TRUE(scene.serves({"a", "b", "c"}));
}

TEST_F(RegistryFaults, ManyMembersThatComeAndGo) {
  const int count = is_long() ? 10'000 : 300;
  Scene scene(server_.address(), server_.address());
  ZooKeeperNodes crowd(server_.address());
  // Draining ones: known to the proxy, and no traffic for addresses at which nobody is.
  const auto name = [](int i) { return "/weir/group/members/127.1." + std::to_string(i / 250) + "." +
                                       std::to_string(1 + i % 250) + ":80,s=drain"; };
  std::vector<std::string> all, every_second;
  for (int i = 0; i < count; ++i) {
    all.push_back(name(i));
    if (i % 2 == 0) every_second.push_back(name(i));
  }
  for (int round = 0; round < 2; ++round) {
    crowd.create_ephemerals(round == 0 ? all : every_second);
    crowd.remove_all(every_second);
  }
  scene.follows_news();
  const std::string members = "members: " + std::to_string(3 + count / 2) + ", held: 0";
  EXPECT_TRUE(wait_until([&] { return scene.weir->get("/discovery").body.text().find(members) != std::string::npos; }, 60s))
      << scene.weir->get("/discovery").body.text();
}

// --- an ensemble of three

class EnsembleFaults : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }
  std::string joined(const char* separator) const {
    std::string all;
    for (const std::string& address : ensemble_.addresses()) all += (all.empty() ? "" : separator) + address;
    return all;
  }
  void let_pass(Scene& scene) {
    ASSERT_TRUE(scene.load->wait_for(500));
    if (is_long()) std::this_thread::sleep_for(15s);
  }
  ZooKeeperEnsemble ensemble_;
};

TEST_F(EnsembleFaults, StopNoRequestWhateverHappensToItsServers) {
  Scene scene(joined(","), joined(" "));
  {
    SCOPED_TRACE("leader frozen");
    ZooKeeperServer& leader = ensemble_.server(ensemble_.leader());
    leader.freeze();
    let_pass(scene);
    scene.follows_news();
    leader.thaw();
  }
  {
    SCOPED_TRACE("each follower frozen in turn, so also the one of our session");
    for (std::size_t i = 0; i < ZooKeeperEnsemble::kSize; ++i) {
      if (i == ensemble_.leader()) continue;
      ensemble_.server(i).freeze();
      let_pass(scene);
      ensemble_.server(i).thaw();
    }
    scene.follows_news();
  }
  {
    SCOPED_TRACE("leader killed");
    ZooKeeperServer& leader = ensemble_.server(ensemble_.leader());
    leader.kill();
    let_pass(scene);
    scene.follows_news();
    leader.start();
  }
  {
    SCOPED_TRACE("rolling restart");
    for (std::size_t i = 0; i < ZooKeeperEnsemble::kSize; ++i) {
      ensemble_.server(i).stop();
      ensemble_.server(i).start();
      ensemble_.leader();
    }
    scene.follows_news();
  }
  {
    SCOPED_TRACE("quorum lost and back");
    ensemble_.server(0).kill();
    ensemble_.server(1).kill();
    let_pass(scene);
    if (is_long()) std::this_thread::sleep_for(60s);
    EXPECT_TRUE(scene.serves({"a", "b", "c"}));
    ensemble_.server(0).launch();
    ensemble_.server(1).start();
    ensemble_.leader();
    scene.follows_news();
  }
}

}  // namespace
}  // namespace weir::test
