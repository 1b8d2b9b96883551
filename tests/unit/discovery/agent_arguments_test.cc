#include <weir/discovery/agent.h>
#include <weir/discovery/zk_tool.h>
#include <weir/discovery/zookeeper_source.h>

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
  EXPECT_EQ(agent_error(with({"--check", "http"})), "invalid check \"http\", expected none or tcp");
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
  EXPECT_EQ(tool_error({"set-weight", "--zk", "a", "--path", "/p", "--address", "10.0.0.1:80"}),
            "set-weight requires --address and --weight");
  EXPECT_EQ(tool_error({"--zk", "a"}), "no command given, expected ls or set-weight");
  EXPECT_EQ(tool_error({"rm"}), "unexpected argument \"rm\"");
  EXPECT_EQ(tool_error({"ls", "ls"}), "unexpected argument \"ls\"");
}

TEST(Path, MustBeOneThatZooKeeperAccepts) {
  for (const char* path : {"/a", "/weir/backend", "/a b/\xc3\xa9"}) EXPECT_TRUE(valid_path(path)) << path;
  for (const char* path : {"", "/", "a", "/a/", "//a", "/a//b", "/./a", "/a/..", "/a\n"}) EXPECT_FALSE(valid_path(path)) << path;
  EXPECT_FALSE(valid_path("/" + std::string(600, 'a')));
}

}  // namespace
}  // namespace weir::discovery
