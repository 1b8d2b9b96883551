// What the directives of the discovery accept, and how they refuse the rest.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

class ZkDirectives : public ::testing::Test {
 protected:
  void SetUp() override {
    WEIR_ONLY("nginx knows no zk_cluster");
    std::ofstream(dir_.path() / "secret") << "weir:open-sesame\n";
    std::ofstream(dir_.path() / "no-secret") << "weir\n";
  }
  /// What `weir -t` says about a group with these lines, and others inside `http`.
  RunResult check(const std::string& lines, const std::string& in_http = {}, const std::string& in_location = {}) const {
    const std::string file = (dir_.path() / "weir.conf").string();
    std::ofstream(file) << "error_log stderr; pid " << dir_.path().string() << "/pid; events {} http { access_log off; " << in_http
                        << " upstream group { " << lines << " } server { listen 127.0.0.1:8080; location / { proxy_pass http://group; } "
                        << "location /x { " << in_location << " } } }";
    return run_program({weir_binary(), "-t", "-p", dir_.path().string(), "-c", file, "-e", "stderr"});
  }
  void expect_refused(const std::string& lines, const std::string& words) const {
    const RunResult result = check("zk_cluster 127.0.0.1; " + lines);
    EXPECT_NE(result.exit_code, 0) << lines;
    EXPECT_NE(result.output.find(words), std::string::npos) << lines << ": " << result.output;
  }

  TempDir dir_{"directives"};
};

TEST_F(ZkDirectives, AreAcceptedAsTheyAreDocumented) {
  const RunResult result = check(
      "zk_cluster z1.example.com z2.example.com:2182 [::1]:2181; zk_path /nerve/services/api; zk_format nerve; zk_session 4s;"
      "zk_cache on; zk_vanish verify; zk_min 50%; zk_damp off; zk_allow 10.0.0.0/8 fd00::/8; zk_auth digest file:" +
      (dir_.path() / "secret").string() + "; server 10.9.9.9:8080 backup;", {}, "zk_status;");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(ZkDirectives, SayWhatIsWrong) {
  expect_refused("zk_path weir;", "an absolute path");
  expect_refused("zk_format eureka;", "invalid value \"eureka\" in \"zk_format\"");
  expect_refused("zk_vanish perhaps;", "invalid value \"perhaps\" in \"zk_vanish\"");
  expect_refused("zk_min 2;", "a share such as 0.9");
  expect_refused("zk_min nan;", "a share such as 0.9");
  expect_refused("zk_damp maybe;", "\"zk_damp\"");
  expect_refused("zk_allow 10.0.0.0/33;", "an address range");
  expect_refused("zk_allow everywhere;", "an address range");
  expect_refused("zk_auth digest weir:open-sesame;", "must be given as file:PATH");
  expect_refused("zk_auth digest file:/no/such/file;", "cannot read");
  expect_refused("zk_auth digest file:" + (dir_.path() / "no-secret").string() + ";", "must hold one line, user:password");
  expect_refused("zk_auth kerberos file:x;", "\"zk_auth\"");
  expect_refused("zk_cluster 127.0.0.2;", "duplicate");
}

TEST_F(ZkDirectives, HaveTheNamesOfTheNginxModuleToo) {
  const RunResult result = check("zookeeper_sync_path /instances/app1/nodes; zookeeper_sync_file app1.peers;",
                                 "zookeeper_upstream 127.0.0.1:2181,127.0.0.2:2181; zookeeper_upstream_recv_timeout 5000;"
                                 "zookeeper_upstream_log_level debug;");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const RunResult alone = check("zookeeper_sync_path /instances/app1/nodes;");
  EXPECT_NE(alone.exit_code, 0);
  EXPECT_NE(alone.output.find("needs \"zookeeper_upstream\""), std::string::npos) << alone.output;
}

TEST_F(ZkDirectives, RefuseByNameWhatOfThatModuleTheyDoNotDo) {
  for (const char* line : {"zookeeper_sync_lock /locks/app;", "zookeeper_sync_filter @dc1;", "zookeeper_sync_exclude @dc1;",
                           "zookeeper_sync_params @params max_conns=3;"}) {
    const RunResult result = check(std::string("zk_cluster 127.0.0.1; ") + line);
    EXPECT_NE(result.exit_code, 0) << line;
    EXPECT_NE(result.output.find(std::string(line, std::string(line).find(' '))), std::string::npos) << result.output;
    EXPECT_EQ(result.output.find("unknown directive"), std::string::npos) << result.output;
  }
}

TEST_F(ZkDirectives, AStartWithoutTheRegistryNamesWhoseMembersAreUnknown) {
  // The error log's usual level: what only a warning says is not seen by those who configured none.
  WeirProcess weir("upstream group { zk_cluster 127.0.0.1:1; } upstream fixed { server 127.0.0.1:1; } "
                   "server { location / { proxy_pass http://group; } location /fixed { proxy_pass http://fixed; } }",
                   {}, {.log_level = "error"});
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_NE(weir.error_log().find("upstream \"group\": ZooKeeper does not say who the members are"), std::string::npos)
      << weir.error_log();
  EXPECT_EQ(weir.error_log().find("upstream \"fixed\""), std::string::npos) << weir.error_log();
}

}  // namespace
}  // namespace weir::test
