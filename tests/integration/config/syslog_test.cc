// error_log and access_log with a syslog server.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <regex>

#include "support/datagram_server.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// The next datagram; a text that no pattern matches if there is none.
std::string next(const DatagramServer& server) { return server.receive().value_or("(nothing came)"); }

::testing::AssertionResult matches(const std::string& text, const std::string& pattern) {
  if (std::regex_match(text, std::regex(pattern))) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\" is not " << pattern;
}

const std::string kTime = R"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)";

TEST(Syslog, TakesEntriesInNginxsForm) {
  DatagramServer server;
  WeirProcess weir(R"(
      log_format brief "$uri:$status";
      server {
        location /plain { access_log syslog:server=%log% brief; return 204; }
        location /told { access_log syslog:server=%log%,facility=user,severity=alert,tag=SEEN,nohostname brief; return 204; }
        location /error { access_log off; error_log syslog:server=%log%,tag=told,severity=debug; deny all; }
        location /sometimes { access_log syslog:server=%log% brief if=$arg_log; return 204; }
      })",
                   {{"log", server.address()}});
  weir.get("/plain");
  EXPECT_TRUE(matches(next(server), "<190>" + kTime + " [^ A-Z]+ (weir|nginx): /plain:204"));
  weir.get("/told");
  EXPECT_TRUE(matches(next(server), "<9>" + kTime + " SEEN: /told:204"));
  weir.get("/error");
  EXPECT_TRUE(matches(next(server), "<187>" + kTime + R"( \S+ told: \d{4}/.* \[error\] .*access forbidden by rule.*)"));
  weir.get("/sometimes?log=0");
  weir.get("/sometimes?log=1");
  EXPECT_TRUE(matches(next(server), ".*: /sometimes:204"));
  EXPECT_FALSE(server.has_one());
}

TEST(Syslog, MayBeAUnixSocketThatComesAndGoes) {
  const TempDir dir("syslog");
  const std::string path = dir.path().string() + "/log";
  auto server = std::make_unique<DatagramServer>(path);
  WeirProcess weir("server { access_log syslog:server=unix:%path%; location / { return 204; } }", {{"path", path}});
  weir.allow_alerts();
  weir.get("/one");
  EXPECT_TRUE(matches(next(*server), ".*GET /one .*"));
  server.reset();
  std::filesystem::remove(path);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(weir.get("/nobody").status, 204);
  EXPECT_TRUE(weir.logs(testing_nginx() ? "failed" : "send() to syslog server \"unix:" + path + "\" failed"));
  DatagramServer again(path);
  EXPECT_TRUE(wait_until([&] { return weir.get("/two").status == 204 && again.has_one(); }));
  std::string line = next(again);
  while (line.find("GET /nobody ") != line.npos) line = next(again);  // a line may come after its answer
  EXPECT_TRUE(matches(line, ".*GET /two .*"));
}

TEST(Syslog, OfTheProcessGetsWhatTheFileGets) {
  DatagramServer server;
  WeirProcess weir("server { location / { return 204; } }", {{"log", server.address()}},
                   {.main = "error_log syslog:server=%log% notice;"});
  EXPECT_TRUE(matches(next(server), "<189>.* \\[notice\\] .*"));
}

TEST(Syslog, ParametersAreChecked) {
  const std::pair<const char*, const char*> cases[] = {
      {"syslog:tag=x", "no syslog server specified"},
      {"syslog:server=127.0.0.1,facility=nobody", "unknown syslog facility \"nobody\""},
      {"syslog:server=127.0.0.1,severity=bad", "unknown syslog severity \"bad\""},
      {"syslog:server=127.0.0.1,tag=a-b", "syslog \"tag\" only allows alphanumeric characters and underscore"},
      {"syslog:server=127.0.0.1,tag=a23456789012345678901234567890123", "syslog \"tag\" length exceeds 32"},
      {"syslog:server=127.0.0.1,color=red", "unknown syslog parameter \"color=red\""},
      {"syslog:server=127.0.0.1,tag=a,tag=b", "duplicate syslog \"tag\""},
  };
  const std::string user = testing_nginx() ? "user root; " : "";
  for (const auto& [log, message] : cases) {
    const RunResult result = test_config(user + "events { } pid %dir%/p; http { access_log " + log + "; }");
    EXPECT_EQ(result.exit_code, 1) << log;
    EXPECT_NE(result.output.find(message), std::string::npos) << message << "\n" << result.output;
  }
  if (testing_nginx()) return;  // it looks the name up
  EXPECT_EQ(test_config("events { } http { error_log syslog:server=no.such.host.invalid; }").exit_code, 0);
}

}  // namespace
}  // namespace weir::test
