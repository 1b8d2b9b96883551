// `weir agent` and `weir zk` as processes of their own, against a real server.

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "real_world.h"
#include "support/child_process.h"
#include "support/fake_backend.h"
#include "support/ports.h"
#include "support/socket.h"

namespace weir::discovery {
namespace {

std::string hexadecimal(std::int64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

class AgentTest : public testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  /// An agent for `address` with weight 20, unless `more` says otherwise.
  test::ChildProcess agent(const std::string& address = "127.0.0.1:81", const Arguments& more = {}) {
    Arguments words{WEIR_AGENT, "agent",    "--zk", server.address(), "--path", "/weir/app", "--address",
                    address,    "--weight", "20",   "--drain",        "300ms",  "--session", "2s"};
    words.insert(words.end(), more.begin(), more.end());
    return test::ChildProcess(words, (dir.path() / ("agent-" + std::to_string(++agents))).string());
  }
  test::RunResult tool(const std::string& command, const Arguments& more = {},
                       const std::string& path = "/weir/app") {
    Arguments words{WEIR_AGENT, "zk", command, "--zk", server.address(), "--path", path};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_program(words);
  }
  std::vector<std::string> servers() const { return {server.address()}; }

  int agents = 0;
  test::TempDir dir{"agent"};
  test::ZooKeeperServer server;
};

TEST_F(AgentTest, RegistersDrainsAndLeaves) {
  Watched app(servers());
  app.start();
  auto one = agent();
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log() << one.output();
  EXPECT_EQ(app.last("127.0.0.1:81").weight, 20u);
  one.signal(SIGTERM);
  ASSERT_TRUE(wait_until([&] { return app.history().back().empty() || app.last("127.0.0.1:81").draining; }));
  ASSERT_TRUE(app.sees({})) << app.log();
  EXPECT_EQ(one.wait(), 0);
  const auto history = app.history();
  ASSERT_GE(history.size(), 3u);
  EXPECT_TRUE(history[history.size() - 2].at(0).draining) << "left without draining first";
  EXPECT_TRUE(wait_until([&] { return sessions_at(server) == 1; })) << "the session was left to time out";
}

TEST_F(AgentTest, DrainsWhenItsTerminalGoes) {
  Watched app(servers());
  app.start();
  const auto before = std::signal(SIGHUP, SIG_DFL);  // nohup may have run the tests
  auto one = agent();
  std::signal(SIGHUP, before);
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log() << one.output();
  one.signal(SIGHUP);
  EXPECT_EQ(one.wait(), 0);
  ASSERT_TRUE(app.sees({})) << app.log();
  const auto history = app.history();
  ASSERT_GE(history.size(), 3u);
  EXPECT_TRUE(history[history.size() - 2].at(0).draining) << "left without draining first";
}

TEST_F(AgentTest, LeavesAtOnceOnASecondSignal) {
  Watched app(servers());
  app.start();
  auto one = agent("127.0.0.1:81", {"--drain", "60m"});
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
  one.signal(SIGINT);
  ASSERT_TRUE(wait_until([&] { return app.last("127.0.0.1:81").draining; })) << app.log();
  one.signal(SIGINT);
  EXPECT_EQ(one.wait(), 0);
  EXPECT_TRUE(app.sees({}));
}

TEST_F(AgentTest, EndsWithoutAServerToo) {
  server.stop();
  auto one = agent();
  ASSERT_TRUE(wait_until([&] { return one.running(); }));
  EXPECT_FALSE(one.wait(300ms));
  EXPECT_NE(one.output().find("registers 127.0.0.1:81 in /weir/app of " + server.address()), std::string::npos) << one.output();
  one.signal(SIGTERM);
  EXPECT_EQ(one.wait(), 0) << one.output();
}

TEST_F(AgentTest, RegistersAgainInAServerThatCameBackEmpty) {
  Watched app(servers());
  app.start();
  auto one = agent("127.0.0.1:81"), two = agent("127.0.0.1:82");
  ASSERT_TRUE(app.sees({"127.0.0.1:81", "127.0.0.1:82"})) << app.log();
  const std::size_t before = app.history().size();
  server.kill();
  server.wipe();
  server.start();
  Administrator admin(servers());
  ASSERT_TRUE(wait_until([&] { return admin.children("/weir/app/members").size() == 2; }, 60s)) << one.output();
  EXPECT_TRUE(wait_until([&] {
    const SourceStatus status = app.source.status();
    return status.state == SourceState::Synced && status.held == 0;
  })) << app.log();
  EXPECT_EQ(app.history().size(), before) << app.log();
}

TEST_F(AgentTest, ComesBackAfterItWasStoppedPastItsSession) {
  Watched app(servers());
  app.start();
  auto one = agent("127.0.0.1:81", {"--session", "500ms"});
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
  one.signal(SIGSTOP);
  ASSERT_TRUE(app.sees({})) << app.log();
  one.signal(SIGCONT);
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log() << one.output();
}

TEST_F(AgentTest, TakesOverFromAnAgentThatWasKilled) {
  const std::string node = "/weir/app/members/127.0.0.1:81,w=20";
  Administrator admin(servers());
  Watched app(servers());
  app.start();
  auto first = agent("127.0.0.1:81", {"--session", "5s"});
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
  const std::size_t before = app.history().size();
  const std::int64_t former = admin.exists(node).stat.ephemeral_owner;
  first.kill();
  auto second = agent("127.0.0.1:81", {"--session", "5s"});
  ASSERT_TRUE(wait_until([&] {
    const std::int64_t owner = admin.exists(node).stat.ephemeral_owner;
    return owner != 0 && owner != former;
  })) << second.output();
  // Of the three sessions and the dead one, the dead one goes; nothing else does with it.
  ASSERT_TRUE(wait_until([&] { return server.ask("dump").find(hexadecimal(former)) == std::string::npos; }));
  EXPECT_EQ(admin.exists(node).code, Code::Ok);
  EXPECT_TRUE(app.always_named("127.0.0.1:81", before - 1)) << app.log();
}

TEST_F(AgentTest, IsRegisteredOnlyWhileItsServiceAcceptsConnections) {
  const test::Port port;
  Watched app(servers());
  app.start();
  auto one = agent(port.address(), {"--check", "tcp", "--check-interval", "20ms"});
  ASSERT_TRUE(app.sees({})) << app.log();
  auto listener = test::Socket::listen(port.address(), 4096);
  EXPECT_TRUE(app.sees({port.address()})) << app.log() << one.output();
  listener.close();
  EXPECT_TRUE(app.sees({})) << app.log() << one.output();
}

TEST_F(AgentTest, FollowsAWeightSetWithTheTool) {
  Watched app(servers());
  app.start();
  auto one = agent();
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log();
  const std::size_t before = app.history().size();
  const auto result = tool("set-weight", {"--address", "127.0.0.1:81", "--weight", "7"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(wait_until([&] { return app.last("127.0.0.1:81").weight == 7; })) << app.log();
  EXPECT_TRUE(app.always_named("127.0.0.1:81", before - 1));
  EXPECT_EQ(tool("ls").output, "member   127.0.0.1:81             weight 7\n");
}

TEST_F(AgentTest, ToolChangesStaticMembersAndRefusesStrangers) {
  Administrator admin(servers());
  ASSERT_EQ(admin.create("/weir/app/static/127.0.0.1:99,t=1"), Code::Ok);
  EXPECT_EQ(tool("set-weight", {"--address", "127.0.0.1:99", "--weight", "3"}).exit_code, 0);
  EXPECT_EQ(admin.children("/weir/app/static"), Addresses{"127.0.0.1:99,w=3,t=1"});
  EXPECT_EQ(tool("ls").output, "static   127.0.0.1:99             weight 3 backup\n");
  EXPECT_EQ(tool("set-weight", {"--address", "127.0.0.1:98", "--weight", "3"}).exit_code, 1);
  EXPECT_EQ(tool("ls", {}, "/nothing").exit_code, 1);
  server.stop();
  EXPECT_EQ(tool("ls", {"--timeout", "300ms"}).exit_code, 2);
}

TEST_F(AgentTest, ToolSaysSoWhenNobodyFollows) {
  Administrator admin(servers());
  ASSERT_EQ(admin.join("127.0.0.1:81"), Code::Ok);
  const auto result = tool("set-weight", {"--address", "127.0.0.1:81", "--weight", "3", "--timeout", "4s"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "weir zk: whoever registered 127.0.0.1:81 does not follow the wish\n");
}

TEST_F(AgentTest, IsRegisteredOnlyWhileItsServiceAnswersWell) {
  std::atomic<int> status{503};
  auto service = test::FakeBackend::handling([&](test::BackendConnection& connection, const test::HttpRequest& request) {
    connection.answer({.status = request.target == "/health" ? status.load() : 500, .close = true});
  });
  Watched app(servers());
  app.start();
  auto one = agent(service.address(), {"--check", "http", "--check-path", "/health", "--check-interval", "20ms", "--fall", "2"});
  ASSERT_TRUE(wait_until([&] { return service.request_count() >= 3; }));
  ASSERT_TRUE(app.sees({}));
  status = 204;
  EXPECT_TRUE(app.sees({service.address()})) << app.log() << one.output();
  status = 500;
  EXPECT_TRUE(app.sees({})) << app.log() << one.output();
  const auto history = app.history();
  EXPECT_TRUE(history[history.size() - 2].at(0).draining) << "it was taken out without a word";
}

TEST_F(AgentTest, RunsACommandAndIsRegisteredWhileThatRuns) {
  Watched app(servers());
  app.start();
  auto one = agent("127.0.0.1:81", {"--", "/bin/sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"});
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log() << one.output();
  one.signal(SIGTERM);
  ASSERT_TRUE(wait_until([&] { return app.history().back().empty() || app.last("127.0.0.1:81").draining; }));
  EXPECT_EQ(one.wait(), 7) << one.output();
  EXPECT_TRUE(app.sees({}));
}

TEST_F(AgentTest, EndsWithItsCommandAlsoWhereSignalsOfChildrenAreIgnored) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  auto one = agent("127.0.0.1:81", {"--", "/bin/sh", "-c", "exit 3"});
  std::signal(SIGCHLD, before);
  EXPECT_EQ(one.wait(), 3) << one.output();
}

TEST_F(AgentTest, EndsWithItsCommand) {
  Watched app(servers());
  app.start();
  const std::string gate = (dir.path() / "gate").string();
  auto one = agent("127.0.0.1:81", {"--", "/bin/sh", "-c", "until [ -e " + gate + " ]; do sleep 0.02; done; exit 3"});
  ASSERT_TRUE(app.sees({"127.0.0.1:81"})) << app.log() << one.output();
  std::ofstream(gate) << "open";
  EXPECT_EQ(one.wait(), 3) << one.output();
  EXPECT_TRUE(app.sees({})) << app.log();
  EXPECT_EQ(agent("127.0.0.1:82", {"--", "/no/such/program"}).wait(), 127);
}

TEST_F(AgentTest, KeepsWhatIsItsOwnToThoseWhoKnowTheSecret) {
  const std::string secret = (dir.path() / "secret").string();
  std::ofstream(secret) << "weir:open-sesame\n";
  auto one = agent("127.0.0.1:81", {"--auth", "digest:" + secret});
  ZooKeeperConfig config{.servers = servers(), .path = "/weir/app", .session_timeout = 2000ms};
  std::string log;
  const auto note = [&log, mutex = std::make_shared<std::mutex>()](Severity, std::string_view text) {
    const std::lock_guard lock(*mutex);
    log += std::string(text) + "\n";
  };
  config.auth = {.scheme = "digest", .secret = "weir:open-sesame"};
  ZooKeeperSource friendly(config, note, Watched::clients());
  std::atomic<bool> is_there{false};
  friendly.start([&](balancer::Members members) { is_there = members.size() == 1; });
  EXPECT_TRUE(wait_until([&] { return is_there.load(); })) << one.output();
  Administrator stranger(servers());
  EXPECT_EQ(stranger.remove("/weir/app/members/127.0.0.1:81,w=20"), Code::NoAuth);
  EXPECT_EQ(stranger.join("10.0.0.66:80"), Code::NoAuth);
  for (const char* command : {"ls", "show"}) {
    EXPECT_EQ(tool(command).exit_code, 1);
    EXPECT_NE(tool(command).output.find("not permitted"), std::string::npos) << tool(command).output;
  }
  const test::RunResult shown = tool("show", {"--auth", "digest:" + secret});
  EXPECT_NE(shown.output.find("127.0.0.1:81"), std::string::npos) << shown.output;
  friendly.stop();
  for (const std::string& text : {one.output(), log, shown.output}) EXPECT_EQ(text.find("sesame"), std::string::npos) << text;
}

}  // namespace
}  // namespace weir::discovery
