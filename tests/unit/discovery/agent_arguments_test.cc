#include <weir/discovery/agent.h>
#include <weir/discovery/zk_tool.h>
#include <weir/discovery/zookeeper_source.h>

#include "agent/policy_edit.h"

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

// The words of a command line, writable as `main` gets them.
struct CommandLine {
  explicit CommandLine(std::vector<std::string> given) : words(std::move(given)) {
    for (std::string& word : words) pointers.push_back(word.data());
  }
  std::vector<std::string> words;
  std::vector<char*> pointers;
};

std::string agent_error(std::vector<std::string> words) {
  CommandLine line(std::move(words));
  AgentOptions options;
  std::string error;
  return parse_agent_arguments(line.pointers, options, error) ? "none" : error;
}

std::string tool_error(std::vector<std::string> words) {
  CommandLine line(std::move(words));
  ZkToolOptions options;
  std::string error;
  return parse_zk_tool_arguments(line.pointers, options, error) ? "none" : error;
}

TEST(AgentArguments, ReadsEveryOption) {
  CommandLine line({"--zk", "a,b:99", "--path=/weir/app/", "--address", "10.0.0.1:80", "--weight", "7", "--backup",
                    "--check", "tcp", "--check-interval", "200ms", "--drain=3", "--session", "2s"});
  AgentOptions options;
  std::string error;
  ASSERT_TRUE(parse_agent_arguments(line.pointers, options, error)) << error;
  EXPECT_EQ(options.servers, (std::vector<std::string>{"a", "b:99"}));
  EXPECT_EQ(options.path, "/weir/app");
  EXPECT_EQ(options.address, "10.0.0.1:80");
  EXPECT_EQ(options.weight, 7u);
  EXPECT_TRUE(options.backup);
  EXPECT_EQ(options.check, AgentOptions::Check::Tcp);
  EXPECT_EQ(options.check_interval, 200ms);
  EXPECT_EQ(options.drain, 3s);
  EXPECT_EQ(options.session_timeout, 2s);
}

TEST(AgentArguments, EndWhereACommandBegins) {
  CommandLine line({"--zk", "a", "--path", "/p", "--address", "10.0.0.1:80", "--check", "http", "--check-path", "/health",
                    "--rise", "2", "--fall", "5", "--", "server", "--zk", "x"});
  AgentOptions options;
  std::string error;
  ASSERT_TRUE(parse_agent_arguments(line.pointers, options, error)) << error;
  EXPECT_EQ(options.command, (std::vector<std::string>{"server", "--zk", "x"}));
  EXPECT_EQ(options.servers, std::vector<std::string>{"a"});
  EXPECT_EQ(options.check, AgentOptions::Check::Http);
  EXPECT_EQ(options.check_path, "/health");
  EXPECT_EQ(options.rise, 2);
  EXPECT_EQ(options.fall, 5);
  EXPECT_EQ(agent_error({"--zk", "a", "--path", "/p", "--address", "10.0.0.1:80", "--"}), "no command after --");
}

TEST(AgentArguments, SaysWhatIsWrong) {
  const std::vector<std::string> good{"--zk", "a", "--path", "/p", "--address", "10.0.0.1:80"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), good.begin(), good.end());
    return more;
  };
  EXPECT_EQ(agent_error(good), "none");
  EXPECT_EQ(agent_error({"--help"}), "none");
  EXPECT_EQ(agent_error({}), "option --zk is required");
  EXPECT_EQ(agent_error({"--zk", "a", "--path", "/p"}), "option --address is required");
  EXPECT_EQ(agent_error(with({"--weight"})), "option --weight requires a value");
  EXPECT_EQ(agent_error(with({"--weight", "70000"})), "invalid weight \"70000\", expected 0 to 65535");
  EXPECT_EQ(agent_error(with({"--wait"})), "unknown option \"--wait\"");
  EXPECT_EQ(agent_error(with({"--backup=yes"})), "option --backup takes no value");
  EXPECT_EQ(agent_error(with({"--check", "udp"})), "invalid check \"udp\", expected none, tcp or http");
  EXPECT_EQ(agent_error(with({"--drain", "5h"})), "invalid time \"5h\", expected one like 500ms, 5s or 2m");
  EXPECT_EQ(agent_error(with({"--drain", "99999999999999999999"})),
            "invalid time \"99999999999999999999\", expected one like 500ms, 5s or 2m");
  EXPECT_EQ(agent_error(with({"--address", "web:80"})),
            "invalid address \"web:80\" (bad address), expected ip:port or [ipv6]:port");
  EXPECT_EQ(agent_error(with({"--path", "weir"})), "invalid path \"weir\", expected one like /weir/backend");
  EXPECT_EQ(agent_error(with({"--zk", "a,,b"})), "invalid ZooKeeper server \"\", expected host or host:port");
}

TEST(ZkToolArguments, AreACommandAndWhatItNeeds) {
  EXPECT_EQ(tool_error({"ls", "--zk", "a", "--path", "/p"}), "none");
  EXPECT_EQ(tool_error({"set-weight", "--zk", "a", "--path", "/p", "--address", "10.0.0.1:80", "--weight", "0"}), "none");
  EXPECT_EQ(tool_error({"set-weight", "--zk", "a", "--path", "/p", "--address", "web:80", "--weight", "0"}), "none");
  EXPECT_EQ(tool_error({"show", "--zk", "a", "--path", "/p", "--dry-run"}), "none");
  EXPECT_EQ(tool_error({"set-weight", "--zk", "a", "--path", "/p", "--address", "web:80", "--weight", "0", "--dry-run"}),
            "set-weight changes no policy to try");
  EXPECT_EQ(tool_error({"set-weight", "--zk", "a", "--path", "/p", "--address", "10.0.0.1:80"}),
            "set-weight requires --address and --weight");
  const std::string all = "expected one of ls, show, set-weight, weight, drain, undrain, split, freeze, accept";
  EXPECT_EQ(tool_error({"--zk", "a"}), "no command given, " + all);
  const auto on_app = [](std::vector<std::string> words) {
    for (const char* word : {"--zk", "a", "--path", "/p"}) words.emplace_back(word);
    return tool_error(std::move(words));
  };
  EXPECT_EQ(on_app({"weight", "--match", "z=eu", "--weight", "5", "--for", "1m", "--dry-run"}), "none");
  EXPECT_EQ(on_app({"weight", "--match", "z=eu"}), "weight requires --weight or --off");
  EXPECT_EQ(on_app({"weight", "--weight", "5"}), "option --address or --match is required");
  EXPECT_EQ(on_app({"drain", "--match", "weight=5"}),
            "invalid match \"weight=5\", expected an address, or KEY=VALUE with z, v, i, p or l.LABEL");
  EXPECT_EQ(on_app({"split", "--match", "v=2", "--percent", "5"}), "none");
  EXPECT_EQ(on_app({"split", "--match", "v=2", "--percent", "500"}), "invalid percent \"500\", expected 0 to 100");
  EXPECT_EQ(on_app({"freeze", "--off"}), "none");
  EXPECT_EQ(on_app({"accept", "--off"}), "only weight, split and freeze take --off");
  EXPECT_EQ(on_app({"ls", "--dry-run"}), "none");
  EXPECT_EQ(tool_error({"rm"}).find("unknown command \"rm\", expected one of ls, show"), 0u);
  EXPECT_EQ(tool_error({"ls", "ls"}), "unexpected argument \"ls\"");
}

TEST(PolicyEdit, ChangesWhatTheCommandSaysAndNothingElse) {
  using Command = ZkToolOptions::Command;
  const WallTime now{std::chrono::seconds(1'790'000'000)};
  Policy policy;
  const auto edit = [&](Command command, const std::string& match, auto set) {
    ZkToolOptions options{.command = command, .match = match};
    set(options);
    policy = edit_policy(policy, options, now);
  };
  edit(Command::Weight, "z=eu", [](auto& options) { options.weight = 5; });
  edit(Command::Drain, "z=eu", [](auto& options) { options.duration = 90s; });
  edit(Command::Split, "v=2", [](auto& options) { options.percent = 5; });
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_EQ(policy.rules[1].until, now + 90s);
  edit(Command::Weight, "z=eu", [](auto& options) { options.weight = 7; });
  ASSERT_EQ(policy.rules.size(), 2u) << "one word for each";
  edit(Command::Undrain, "z=eu", [](auto&) {});
  ASSERT_EQ(policy.rules.size(), 1u);
  EXPECT_EQ(policy.rules[0].weight, 7u);
  edit(Command::Weight, "z=eu", [](auto& options) { options.off = true; });
  edit(Command::Split, "v=2", [](auto& options) { options.off = true; });
  EXPECT_EQ(policy, Policy{});
  edit(Command::Accept, "", [](auto&) {});
  const std::int64_t accepted = policy.accept;
  edit(Command::Accept, "", [](auto&) {});
  EXPECT_GT(policy.accept, accepted) << "even within a millisecond";
  edit(Command::Freeze, "", [](auto&) {});
  EXPECT_TRUE(policy.freeze);
  edit(Command::Freeze, "", [](auto& options) { options.off = true; });
  EXPECT_FALSE(policy.freeze);
}

TEST(Path, MustBeOneThatZooKeeperAccepts) {
  for (const char* path : {"/a", "/weir/backend", "/a b/\xc3\xa9"}) EXPECT_TRUE(valid_path(path)) << path;
  for (const char* path : {"", "/", "a", "/a/", "//a", "/a//b", "/./a", "/a/..", "/a\n"}) EXPECT_FALSE(valid_path(path)) << path;
  EXPECT_FALSE(valid_path("/" + std::string(600, 'a')));
}

}  // namespace
}  // namespace weir::discovery
