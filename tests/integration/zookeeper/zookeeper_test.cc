// Members that live in a real ZooKeeper, seen through the proxy under load.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "support/backend_process.h"
#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

namespace weir::test {
namespace {

const std::string kMembers = "/weir/group/members/";
const std::string kStatic = "/weir/group/static/";

// What these tests take away by hand, again and again, is gone at once.
constexpr const char* kConfig = R"(
    keepalive_requests 1000000;
    upstream group { least_conn; zk_cluster %zk%; zk_vanish trust; zk_damp off; }
    server { location / { proxy_pass http://group; } })";

class ZooKeeperMembers : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }

  void add(const std::string& name) { nodes_.create_ephemeral(kMembers + name); }
  void remove(const std::string& name) { nodes_.remove(kMembers + name); }
  Values values() const { return {{"zk", server_.address()}}; }

  /// Waits until requests are answered by exactly these backends, as 30 answers in a row show.
  static ::testing::AssertionResult served_by(WeirProcess& weir, std::vector<std::string> names) {
    std::ranges::sort(names);
    std::vector<std::string> seen;
    const bool right = wait_until([&] {
      seen.clear();
      for (int i = 0; i < 30; ++i) {
        const HttpResponse response = weir.get("/");
        const std::string name =
            response.status == 200 ? response.field("X-Backend") : std::to_string(response.status);
        if (std::ranges::find(seen, name) == seen.end()) seen.push_back(name);
      }
      std::ranges::sort(seen);
      return seen == names;
    });
    if (right) return ::testing::AssertionSuccess();
    std::string text = "served by:";
    for (const auto& name : seen) text += " " + name;
    return ::testing::AssertionFailure() << text;
  }

  ZooKeeperServer server_;
  ZooKeeperNodes nodes_{server_.address()};
};

TEST_F(ZooKeeperMembers, ComeAndGoUnderLoadWithoutAFailedRequest) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  add(a.address());
  add(b.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  for (int round = 0; round < 10; ++round) {
    add(c.address());
    ASSERT_TRUE(served_by(weir, {"a", "b", "c"}));
    remove(a.address());
    ASSERT_TRUE(served_by(weir, {"b", "c"}));
    add(a.address() + ",w=100");
    remove(c.address());
    ASSERT_TRUE(served_by(weir, {"a", "b"}));
    nodes_.rename(kMembers + a.address() + ",w=100", kMembers + a.address());
  }
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u);
  EXPECT_EQ(result.connections, 4) << "no client's connection is closed by a change of members";
}

TEST_F(ZooKeeperMembers, TakeEffectAtOnce) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  HttpClient client = weir.client();
  std::vector<milliseconds> joins, leaves;
  for (int round = 0; round < 7; ++round) {
    // Least connections takes turns between idle backends, so the newcomer is seen within two requests.
    const Stopwatch join;
    add(b.address());
    ASSERT_TRUE(wait_until([&] { return client.get("/").field("X-Backend") == "b"; }));
    joins.push_back(join.elapsed());
    const Stopwatch leave;
    remove(b.address());
    milliseconds last{0};
    while (leave.elapsed() < milliseconds(300))
      if (client.get("/").field("X-Backend") == "b") last = leave.elapsed();
    leaves.push_back(last);
  }
  std::ranges::sort(joins);
  std::ranges::sort(leaves);
  // The goal is 100 ms; a busy machine must not fail the test, so it only proves that nobody waits for a poll.
  RecordProperty("median_join_ms", static_cast<int>(joins[3].count()));
  RecordProperty("median_leave_ms", static_cast<int>(leaves[3].count()));
  EXPECT_LT(joins[3], milliseconds(2000)) << "median";
  EXPECT_LT(leaves[3], milliseconds(2000)) << "median";
}

TEST_F(ZooKeeperMembers, ChangeWeightWithoutARestart) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address() + ",w=100");
  add(b.address() + ",w=100");
  WeirProcess weir("upstream group { zk_cluster %zk%; } server { location / { proxy_pass http://group; } }",
                   values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  const auto share_of_a = [&] {
    int count = 0;
    HttpClient client = weir.client();
    for (int i = 0; i < 100; ++i) count += client.get("/").field("X-Backend") == "a";
    return count;
  };
  EXPECT_NEAR(share_of_a(), 50, 5);
  nodes_.rename(kMembers + a.address() + ",w=100", kMembers + a.address() + ",w=900");
  EXPECT_TRUE(wait_until([&] { return share_of_a() >= 85; }));
  EXPECT_NEAR(share_of_a(), 90, 5);
  nodes_.rename(kMembers + a.address() + ",w=900", kMembers + a.address() + ",w=0");
  EXPECT_TRUE(wait_until([&] { return share_of_a() == 0; }));
}

TEST_F(ZooKeeperMembers, OfTheSameZoneComeFirst) {
  FakeBackend near = FakeBackend::echoing("near"), far = FakeBackend::echoing("far");
  add(near.address() + ",z=here");
  add(far.address() + ",z=there");
  WeirProcess weir(R"(
      upstream group { least_conn; local_zone here; zk_cluster %zk%; zk_vanish trust; }
      server { location / { proxy_pass http://group; } })",
                   values());
  EXPECT_TRUE(served_by(weir, {"near"}));
  remove(near.address() + ",z=here");
  EXPECT_TRUE(served_by(weir, {"far"}));
}

TEST_F(ZooKeeperMembers, AreToldOfInTheStatus) {
  FakeBackend a = FakeBackend::echoing("a");
  add(a.address() + ",z=here");
  nodes_.create_ephemeral(kMembers + "nonsense,");
  WeirProcess weir(R"(
      upstream group { zk_cluster %zk%; }
      server { location / { proxy_pass http://group; } location /status { weir_status; } })",
                   values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  const std::string json = weir.get("/status").text();
  for (const char* part : {R"("zone":"here")", R"("discovery":{"state":"synced")", R"("members":1)", R"("held":0)",
                           R"("rejected":{"bad address":1})"})
    EXPECT_NE(json.find(part), json.npos) << part << "\n" << json;
}

TEST_F(ZooKeeperMembers, AreBackupsAndDrainAsTheirNamesSay) {
  FakeBackend a = FakeBackend::echoing("a", milliseconds(0)), spare = FakeBackend::echoing("spare");
  add(a.address());
  add(spare.address() + ",t=1");
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  nodes_.rename(kMembers + a.address(), kMembers + a.address() + ",s=drain");
  EXPECT_TRUE(served_by(weir, {"spare"}));
  nodes_.rename(kMembers + a.address() + ",s=drain", kMembers + a.address());
  EXPECT_TRUE(served_by(weir, {"a"}));
  remove(a.address());
  EXPECT_TRUE(served_by(weir, {"spare"}));
}

TEST_F(ZooKeeperMembers, FinishWhatTheyHaveWhenTheyLeave) {
  FakeBackend slow = FakeBackend::echoing("slow", milliseconds(800)), quick = FakeBackend::echoing("quick");
  add(slow.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(wait_until([&] { return weir.get("/").status == 200; }));
  slow.forget();
  RawClient client = weir.connect();
  client.send(to_wire({}));
  ASSERT_TRUE(wait_until([&] { return slow.request_count() == 1; }));
  add(quick.address());
  remove(slow.address());
  EXPECT_TRUE(served_by(weir, {"quick"}));
  EXPECT_EQ(client.read_response().field("X-Backend"), "slow");
}

TEST_F(ZooKeeperMembers, MayBeKeptByHandToo) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  nodes_.create(kStatic + a.address());
  WeirProcess weir(kConfig, values());
  EXPECT_TRUE(served_by(weir, {"a"}));
  add(b.address());
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  nodes_.remove(kStatic + a.address());
  EXPECT_TRUE(served_by(weir, {"b"}));
}

TEST_F(ZooKeeperMembers, WithMalformedNamesAreSkippedAndLoggedOnce) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address());
  for (const char* name :
       {"nonsense", "256.1.1.1:80", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:80,w", "127.0.0.1:80,t=x", "%00:80"})
    add(name);
  WeirProcess weir(kConfig, values());
  EXPECT_TRUE(served_by(weir, {"a"}));
  ASSERT_TRUE(weir.logs("nonsense"));
  // Each further change of the set is a new read of the same bad names.
  for (int i = 0; i < 3; ++i) {
    add(b.address());
    EXPECT_TRUE(served_by(weir, {"a", "b"}));
    remove(b.address());
    EXPECT_TRUE(served_by(weir, {"a"}));
  }
  const std::string log = weir.error_log();
  const auto first = log.find("nonsense");
  EXPECT_EQ(log.find("\n", first) == log.npos ? log.npos : log.find("nonsense", log.find("\n", first)), log.npos)
      << log;
}

TEST_F(ZooKeeperMembers, AreNotNeededForTheStart) {
  FakeBackend a = FakeBackend::echoing("a");
  WeirProcess weir(kConfig, values());
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_TRUE(weir.logs("while connecting to upstream"));
  add(a.address());
  EXPECT_TRUE(served_by(weir, {"a"}));
}

TEST_F(ZooKeeperMembers, KilledUnderLoadBeforeZooKeeperNoticesLoseNoRequest) {
  BackendProcess a("a"), b("b"), c("c");
  for (const BackendProcess* backend : {&a, &b, &c}) add(backend->address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b", "c"}));
  LoadGenerator load(weir.address(), {.threads = 6});
  ASSERT_TRUE(load.wait_for(100));
  b.kill();
  ASSERT_TRUE(load.wait_for(500));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u);
}

TEST_F(ZooKeeperMembers, SurviveAReload) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address());
  add(b.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  for (int version = 1; version <= 5; ++version) {
    const std::string number = std::to_string(version);
    weir.reload("upstream group { zk_cluster %zk%; } server { location / { proxy_pass http://group; add_header X-V " +
                number + "; } }");
    ASSERT_TRUE(wait_until([&] { return weir.get("/").field("X-V") == number; }));
    EXPECT_TRUE(served_by(weir, {"a", "b"}));
  }
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, OfAnUpstreamAddedByAReloadAreFound) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address());
  nodes_.create_ephemeral("/weir/second/members/" + b.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  weir.reload("upstream second { zk_cluster %zk%; } server { location / { proxy_pass http://second; } }");
  EXPECT_TRUE(served_by(weir, {"b"}));
}

// --- ZooKeeper's own failures
// ----------------------------------------------------------------------------------------

/// `weir agent` for one backend.
ChildProcess start_agent(const std::string& zk, const std::string& address, const TempDir& dir,
                         const std::string& drain = "300ms") {
  return ChildProcess({weir_binary(), "agent", "--zk", zk, "--path", "/weir/group", "--address", address, "--drain",
                       drain, "--session", "2s"},
                      (dir.path() / ("agent-" + std::to_string(std::hash<std::string>{}(address)))).string());
}

TEST_F(ZooKeeperMembers, StayWhileZooKeeperIsStoppedAndAfterItsRestart) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  nodes_.create(kStatic + a.address());
  nodes_.create(kStatic + b.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  server_.kill();
  ASSERT_TRUE(load.wait_for(1'000));
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  server_.start();
  ZooKeeperNodes again(server_.address());
  again.create(kStatic + c.address());
  EXPECT_TRUE(served_by(weir, {"a", "b", "c"})) << "the session recovers";
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, AreNotLostWhenZooKeeperReturnsEmpty) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c");
  const TempDir dir("agents");
  ChildProcess agent_a = start_agent(server_.address(), a.address(), dir);
  ChildProcess agent_b = start_agent(server_.address(), b.address(), dir);
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  server_.kill();
  server_.wipe();
  ASSERT_TRUE(load.wait_for(200));
  server_.start();
  // The agents register again, and what they register is taken up; at no moment is there nothing.
  ZooKeeperNodes again(server_.address());
  EXPECT_TRUE(wait_until([&] { return again.children("/weir/group/members").size() == 2; }));
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  again.create_ephemeral(kMembers + c.address());
  EXPECT_TRUE(served_by(weir, {"a", "b", "c"})) << "the session recovers";
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, AReloadWhileZooKeeperIsAwayKeepsThem) {
  FakeBackend a = FakeBackend::echoing("a");
  add(a.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  LoadGenerator load(weir.address());
  server_.kill();
  weir.reload(
      "upstream group { zk_cluster %zk%; } server { location / { proxy_pass http://group; add_header X-V new; } }");
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-V") == "new"; }));
  ASSERT_TRUE(load.wait_for(100));
  EXPECT_TRUE(served_by(weir, {"a"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, AreNotLostWhenAReloadReadsThemInAnotherWayAndZooKeeperReturnsEmpty) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  add(a.address());
  add(b.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  server_.kill();
  server_.wipe();
  weir.reload("upstream group { zk_cluster %zk%; zk_min 0.5; } server { location / { proxy_pass http://group; } }");
  server_.start();
  ASSERT_TRUE(wait_until([&] { return weir.error_log().find("the directory is missing") != std::string::npos; }))
      << weir.error_log();
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, AreFoundWhenZooKeeperComesAfterTheProxy) {
  FakeBackend a = FakeBackend::echoing("a");
  nodes_.create(kStatic + a.address());
  server_.kill();
  WeirProcess weir(kConfig, values());
  EXPECT_EQ(weir.get("/").status, 502);
  server_.start();
  EXPECT_TRUE(served_by(weir, {"a"}));
}

TEST_F(ZooKeeperMembers, AFrozenZooKeeperStopsNothing) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  nodes_.create(kStatic + a.address());
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  LoadGenerator load(weir.address());
  server_.freeze();
  ASSERT_TRUE(load.wait_for(1'000));
  server_.thaw();
  ZooKeeperNodes again(server_.address());
  again.create(kStatic + b.address());
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

// --- weir agent
// ------------------------------------------------------------------------------------------------------

TEST_F(ZooKeeperMembers, AnAgentRegistersDrainsAndLeaves) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  const TempDir dir("agents");
  ChildProcess agent_a = start_agent(server_.address(), a.address(), dir, "700ms");
  ChildProcess agent_b = start_agent(server_.address(), b.address(), dir);
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  ASSERT_TRUE(load.wait_for(50));
  agent_a.signal(SIGTERM);
  EXPECT_TRUE(wait_until([&] {
    const auto names = nodes_.children("/weir/group/members");
    return std::ranges::any_of(names, [](const std::string& name) { return name.ends_with("s=drain"); });
  }));
  EXPECT_EQ(agent_a.wait(), 0) << agent_a.output();
  EXPECT_EQ(nodes_.children("/weir/group/members").size(), 1u);
  EXPECT_TRUE(served_by(weir, {"b"}));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(ZooKeeperMembers, AKilledAgentsMemberGoesWithItsSession) {
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  const TempDir dir("agents");
  ChildProcess agent_a = start_agent(server_.address(), a.address(), dir);
  ChildProcess agent_b = start_agent(server_.address(), b.address(), dir);
  WeirProcess weir(kConfig, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  agent_a.kill();
  EXPECT_TRUE(served_by(weir, {"b"}));
}

// --- an ensemble of three
// --------------------------------------------------------------------------------------------

TEST(ZooKeeperEnsembleMembers, FollowTheEnsembleWhenItsLeaderDies) {
  WEIR_ONLY("nginx knows no zk_cluster");
  ZooKeeperEnsemble ensemble;
  std::string all, servers;
  for (const std::string& address : ensemble.addresses()) {
    all += (all.empty() ? "" : ",") + address;
    servers += " " + address;
  }
  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b");
  ZooKeeperNodes nodes(all);
  nodes.create(kStatic + a.address());
  WeirProcess weir("upstream group { zk_cluster" + servers +
                   "; } server { location / { proxy_pass http://group; } }");
  ASSERT_TRUE(wait_until([&] { return weir.get("/").field("X-Backend") == "a"; }));
  LoadGenerator load(weir.address());
  ensemble.server(ensemble.leader()).kill();
  ASSERT_TRUE(load.wait_for(200));
  const Stopwatch watch;
  EXPECT_TRUE(wait_until([&] {
    try {
      ZooKeeperNodes(all).create(kStatic + b.address());
      return true;
    } catch (const std::runtime_error&) {
      return false;  // no new leader yet
    }
  }));
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-Backend") == "b"; }));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

}  // namespace
}  // namespace weir::test
