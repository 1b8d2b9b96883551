// The command line, the signals that go with it, and what is said about a configuration that cannot be used.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

const std::string kUser = testing_nginx() && ::geteuid() == 0 ? "user root;\n" : "";

/// A whole configuration with `http` in its http block.
std::string whole(const std::string& http) {
  return kUser + "pid %dir%/weir.pid;\nevents { }\nhttp {\n" + http + "\n}\n";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CommandLine, TestsAConfiguration) {
  const RunResult good = test_config(whole("server { listen 127.0.0.1:20001; location / { return 200; } }"));
  EXPECT_EQ(good.exit_code, 0) << good.output;
  EXPECT_TRUE(contains(good.output, "weir.conf syntax is ok")) << good.output;
  EXPECT_TRUE(contains(good.output, "weir.conf test is successful")) << good.output;
  const RunResult bad = test_config(whole("server { listen 127.0.0.1:20001; nonsense on; }"));
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(contains(bad.output, "weir.conf test failed")) << bad.output;
}

TEST(CommandLine, TestingOpensNothing) {
  WEIR_ONLY("nginx binds its addresses and resolves its upstreams");
  Port taken;
  const Socket holder = Socket::listen(taken.address());
  const RunResult result =
      test_config(whole("server { listen " + taken.address() + "; location / { return 200; } }"));
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST(CommandLine, TestingLooksNoNameUp) {
  WEIR_ONLY("nginx looks them up");
  const RunResult result = test_config(
      whole("set_real_ip_from no.such.host.invalid; resolver no.such.server.invalid; server { listen 127.0.0.1:20001; location / { return 200; } }"));
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* host : {"no.such.host.invalid", "no.such.server.invalid"})
    EXPECT_TRUE(contains(result.output, "[notice] host \"" + std::string(host) + "\" in ")) << result.output;
}

TEST(Configuration, WhomToTrustMustBeKnownBeforeServing) {
  const TempDir dir("trust");
  const std::string prefix = dir.path().string() + "/";
  const auto start = [&](const std::string& who) {
    dir.write("weir.conf", kUser + "daemon off;\npid " + prefix + "weir.pid;\nevents { }\nhttp { set_real_ip_from " + who +
                               "; server { listen 127.0.0.1:20001; location / { return 200; } } }\n");
    const RunResult result = run_weir({"-p", prefix, "-c", "weir.conf", "-e", "stderr"});
    EXPECT_EQ(result.exit_code, 1) << result.output;
    return result.output;
  };
  EXPECT_TRUE(contains(start("no.such.host.invalid"), "host not found in set_real_ip_from \"no.such.host.invalid\""));
  if (!testing_nginx()) {
    EXPECT_TRUE(contains(start("no..host"), "invalid host in \"no..host\""));
  }
}

TEST(CommandLine, LoadsTheMinimalZooKeeperConfigurationVerbatim) {
  WEIR_ONLY("nginx knows no zk_cluster");
  const RunResult result = test_config(R"(
http {
    upstream backend {
        zk_cluster z1.zookeeper.com z2.zookeeper.com z3.zookeeper.com;
    }
    server {
        listen 80;
        location / {
            proxy_pass http://backend;
        }
    }
}
)");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST(CommandLine, DumpsEveryFileItRead) {
  const TempDir dir("dump");
  const std::string prefix = dir.path().string() + "/";
  dir.write("conf.d/a.conf", "# first included\nserver { listen 127.0.0.1:20001; location / { return 200; } }\n");
  dir.write("conf.d/b.conf", "# second included\n");
  dir.write("weir.conf", kUser + "pid " + prefix + "weir.pid;\nevents { }\nhttp { include conf.d/*.conf; }\n");
  const RunResult result = run_weir({"-T", "-p", prefix, "-c", "weir.conf", "-e", "stderr"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* file : {"weir.conf", "conf.d/a.conf", "conf.d/b.conf"})
    EXPECT_TRUE(contains(result.output, "# configuration file " + prefix + file + ":\n")) << result.output;
  EXPECT_TRUE(contains(result.output, "# first included"));
  EXPECT_TRUE(contains(result.output, "# second included"));
}

TEST(CommandLine, SaysWhatItIs) {
  const RunResult version = run_weir({"-v"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(contains(version.output, "version: ")) << version.output;
  const RunResult build = run_weir({"-V"});
  EXPECT_EQ(build.exit_code, 0);
  EXPECT_TRUE(contains(build.output, "nginx version: nginx/1.")) << build.output;
  EXPECT_TRUE(contains(build.output, "configure arguments: --")) << build.output;
  for (const char* word : {"-h", "--help"}) {
    const RunResult help = run_weir({word});
    EXPECT_EQ(help.exit_code, 0);
    for (const char* option : {"-t", "-T", "-q", "-s signal", "-p prefix", "-c filename", "-g directives", "weir zk --help"})
      EXPECT_TRUE(contains(help.output, option)) << option << "\n" << help.output;
  }
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  const RunResult option = run_weir({"-Z"});
  EXPECT_EQ(option.exit_code, 1);
  EXPECT_TRUE(contains(option.output, "invalid option: \"Z\"; see weir -h")) << option.output;
  const RunResult signal = run_weir({"-s", "explode"});
  EXPECT_EQ(signal.exit_code, 1);
  EXPECT_TRUE(contains(signal.output, "invalid option: \"-s explode\"")) << signal.output;
  const RunResult argument = run_weir({"-c"});
  EXPECT_EQ(argument.exit_code, 1);
  EXPECT_TRUE(contains(argument.output, "option \"-c\" requires file name")) << argument.output;
}

TEST(CommandLine, NamesAMissingFile) {
  const TempDir dir("missing");
  const RunResult result = run_weir({"-t", "-p", dir.path().string() + "/", "-c", "no.conf", "-e", "stderr"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.output, "[emerg]")) << result.output;
  EXPECT_TRUE(
      contains(result.output, "open() \"" + dir.path().string() + "/no.conf\" failed (2: No such file or directory)"))
      << result.output;
}

TEST(CommandLine, TakesDirectivesFromTheCommandLine) {
  const TempDir dir("global");
  const std::string prefix = dir.path().string() + "/";
  dir.write("weir.conf", kUser + "pid " + prefix + "weir.pid;\nevents { }\nhttp { }\n");
  EXPECT_EQ(run_weir({"-t", "-p", prefix, "-c", "weir.conf", "-e", "stderr", "-g", "worker_processes 3;"}).exit_code,
            0);
  const RunResult bad = run_weir({"-t", "-p", prefix, "-c", "weir.conf", "-e", "stderr", "-g", "nonsense 3;"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(contains(bad.output, "unknown directive \"nonsense\" in command line")) << bad.output;
}

TEST(CommandLine, QuietTestingPrintsNothingWhenAllIsWell) {
  const TempDir dir("quiet");
  const std::string prefix = dir.path().string() + "/";
  dir.write("weir.conf", kUser + "pid " + prefix + "weir.pid;\nevents { }\nhttp { }\n");
  const RunResult result = run_weir({"-t", "-q", "-p", prefix, "-c", "weir.conf", "-e", "stderr"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "");
}

TEST(CommandLine, SignalsTheRunningProcess) {
  WeirProcess weir("server { location / { return 200 one; } }");
  const std::string prefix = weir.dir().path().string() + "/";
  const auto send = [&](const char* name) {
    return run_weir({"-p", prefix, "-c", "weir.conf", "-e", "error.log", "-s", name});
  };
  weir.write_config("server { location / { return 200 two; } }");
  EXPECT_EQ(send("reload").exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return weir.get("/").text() == "two"; }));
  std::filesystem::rename(prefix + "access.log", prefix + "access.log.1");
  EXPECT_EQ(send("reopen").exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(prefix + "access.log"); }));
  EXPECT_EQ(send("quit").exit_code, 0);
  EXPECT_EQ(weir.wait_for_exit(), 0);
  EXPECT_FALSE(std::filesystem::exists(prefix + "weir.pid"));
  const RunResult nobody = send("stop");
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_TRUE(contains(nobody.output + weir.error_log(), "weir.pid\" failed (2: No such file or directory)"))
      << nobody.output;
  weir.allow_alerts();
}

TEST(CommandLine, GoesToTheBackground) {
  const TempDir dir("daemon");
  const std::string prefix = dir.path().string() + "/";
  const Port port;
  dir.write("weir.conf", kUser + "daemon on;\npid " + prefix + "weir.pid;\nerror_log " + prefix +
                             "error.log;\nevents { }\nhttp { access_log off; server { listen " + port.address() +
                             "; location / { return 200 daemon; } } }\n");
  const std::vector<std::string> arguments{"-p", prefix, "-c", "weir.conf", "-e", "error.log"};
  const RunResult started = run_weir(arguments);
  ASSERT_EQ(started.exit_code, 0) << started.output;
  ASSERT_TRUE(wait_until([&] { return !dir.read("weir.pid").empty(); }));
  const pid_t pid = std::stoi(dir.read("weir.pid"));
  EXPECT_EQ(HttpClient(port.address()).get("/").text(), "daemon");
  auto stop = arguments;
  stop.insert(stop.end(), {"-s", "stop"});
  EXPECT_EQ(run_weir(stop).exit_code, 0);
  const bool gone = wait_until([&] { return ::kill(pid, 0) != 0; });
  EXPECT_TRUE(gone);
  if (!gone) ::kill(pid, SIGKILL);
}

struct BadConfig {
  const char* http;     // what stands in `http { }`, which begins on line 1 after kUser's line
  const char* message;  // what must be said
};

TEST(BadConfiguration, IsRefusedInNginxsWordsWithFileAndLine) {
  const BadConfig cases[] = {
      {"nonsense on;", "unknown directive \"nonsense\" in "},
      {"server { http { } }", "\"http\" directive is not allowed here in "},
      {"location / { }", "\"location\" directive is not allowed here in "},
      {"server { listen; }", "invalid number of arguments in \"listen\" directive in "},
      {"server { keepalive_timeout; }", "invalid number of arguments in \"keepalive_timeout\" directive in "},
      {"server { keepalive_timeout 1 2 3; }", "invalid number of arguments in \"keepalive_timeout\" directive in "},
      {"keepalive_timeout 1; keepalive_timeout 2;", "\"keepalive_timeout\" directive is duplicate in "},
      {"keepalive_timeout soon;", testing_nginx()
                                      ? "\"keepalive_timeout\" directive invalid value in "
                                      : "invalid value \"soon\" in \"keepalive_timeout\" directive, it must be "},
      {"client_max_body_size huge;",
       testing_nginx() ? "\"client_max_body_size\" directive invalid value in "
                       : "invalid value \"huge\" in \"client_max_body_size\" directive, it must be "},
      {"server { location / { proxy_buffering maybe; } }",
       "invalid value \"maybe\" in \"proxy_buffering\" directive"},
      {"server { location / { proxy_pass ftp://x; } }", "invalid URL prefix in "},
      {"server { location / { return 200; } location / { return 200; } }", "duplicate location \"/\" in "},
      {"server { location / { location /a { return 200; } location /a { return 201; } } }",
       "duplicate location \"/a\" in "},
      {"server { location /a/ { location /b { return 200; } } }", "location \"/b\" is outside location \"/a/\" in "},
      {"server { location ~ ( { return 200; } }", "pcre2_compile() failed: missing closing parenthesis in \"(\""},
      {"server { listen 127.0.0.1:99999; }", "invalid port in \"127.0.0.1:99999\""},
      {"server { listen 127.0.0.1:80 sideways; }", "invalid parameter \"sideways\" in "},
      {"server { listen 80 default_server; } server { listen 80 default_server; }",
       "a duplicate default server for 0.0.0.0:80 in "},
      {"server { listen 80; listen 80; }", "a duplicate listen "},
      {"upstream u { server 127.0.0.1:1 weight=x; }", "invalid parameter \"weight=x\" in "},
      {"upstream u { server 127.0.0.1/x; }", testing_nginx() ? "invalid host in upstream \"127.0.0.1/x\""
                                                             : "invalid host in \"127.0.0.1/x\""},
      {"map $uri $mine { default a; default b; }", "duplicate default map parameter in "},
      {"map $uri $mine { a 1; a 2; }", "conflicting parameter \"a\" in "},
      {"map $uri $mine { a; }", "invalid number of the map parameters in "},
      {"upstream u { }", "no servers are inside upstream"},
      {"upstream u { server 127.0.0.1:1; } upstream u { server 127.0.0.1:1; }", "duplicate upstream \"u\" in "},
      {"log_format f $no_such_variable;", "unknown \"no_such_variable\" variable"},
      {"server { return 200 $no_such_variable; }", "unknown \"no_such_variable\" variable"},
      {"map $uri $mine { / $no_such_variable; }", "unknown \"no_such_variable\" variable"},
      {"access_log /tmp/x nosuchformat;", "unknown log format \"nosuchformat\" in "},
      {"include no-such-file.conf;", "no-such-file.conf\" failed (2: No such file or directory) in "},
      {"server { return 99999; }", "invalid return code \"99999\" in "},
      {"server { location / { return 200 \"unclosed; } }", "unexpected end of file, expecting \";\" or \"}\" in "},
      {"server {", "unexpected end of file, expecting \"}\" in "},
      {"server ;", "directive \"server\" has no opening \"{\" in "},
      {"keepalive_timeout 1", "unexpected \"}\" in "},
      {"} }", "unexpected \"}\" in "},
      {"keepalive_timeout { }", "directive \"keepalive_timeout\" is not terminated by \";\" in "},
      {"server { server_name \"a\"b; }", "unexpected \"b\" in "},
  };
  for (const auto& [http, message] : cases) {
    SCOPED_TRACE(http);
    const RunResult result = test_config(kUser + "events { }\npid %dir%/p;\nhttp { " + http + " }\n");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(contains(result.output, "[emerg]")) << result.output;
    EXPECT_TRUE(contains(result.output, message)) << "wanted: " << message << "\n" << result.output;
    EXPECT_FALSE(contains(result.output, "Sanitizer")) << result.output;
  }
}

TEST(BadConfiguration, AUserThatIsNotThereIsNoticedBeforeTheStart) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root becomes another";
  const RunResult result = test_config("user no_such_user;\nevents { }\npid %dir%/p;\nhttp { }\n");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.output, "getpwnam(\"no_such_user\") failed in ")) << result.output;
}

TEST(BadConfiguration, NamesTheLine) {
  const RunResult result =
      test_config(kUser + "events { }\npid %dir%/p;\nhttp {\n  server {\n    listen 80;\n    nonsense on;\n  }\n}\n");
  EXPECT_TRUE(contains(result.output, "weir.conf:" + std::to_string(kUser.empty() ? 6 : 7) + "\n")) << result.output;
}

TEST(BadConfiguration, NamesTheLineThatUsesAnUnknownVariable) {
  WEIR_ONLY("nginx names no line");
  const RunResult result = test_config(R"(events { }
http {
  server {
    return 200 "$later $never";
  }
  map $uri $later {
    /a $nowhere;
  }
})");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.output, "unknown \"never\" variable in ")) << result.output;
  EXPECT_TRUE(contains(result.output, "weir.conf:4\n")) << result.output;
  EXPECT_FALSE(contains(result.output, "later")) << result.output;
}

TEST(Configuration, VariablesMayBeUsedBeforeTheyAreDefined) {
  WeirProcess weir(R"(
      server {
        location = /map { return 200 "$mapped $shared"; }
        location = /set { set $copy "[$mine]"; set $mine x; return 200 "$copy$mine"; }
        location = /capture { return 200 "capture=$part"; }
        location ~ ^/(?<part>.)$ { return 200 "capture=$part"; }
        location = /cycle { return 200 "cycle=$a"; }
      }
      map $arg_q $mapped { default "$other!"; }
      map $host $other { default there; }
      split_clients $arg_q $shared { * all; }
      map $b $a { default a; "" $b; }
      map $a $b { default b; "" $a; })");
  EXPECT_EQ(weir.get("/map").text(), "there! all");
  EXPECT_EQ(weir.get("/set").text(), "[]x");
  EXPECT_EQ(weir.get("/z").text(), "capture=z");
  EXPECT_EQ(weir.get("/capture").text(), "capture=");
  EXPECT_EQ(weir.get("/cycle").status, testing_nginx() ? 500 : 200);
  EXPECT_TRUE(weir.logs("cycle while evaluating"));
}

TEST(BadConfiguration, EveryErrorOfAFileIsReportedAtOnce) {
  WEIR_ONLY("nginx stops at the first");
  const RunResult result = test_config(R"(events { }
http {
  keepalive_timout 5;
  server {
    listen 127.0.0.1:99999;
    client_max_body_size huge;
    location / { proxy_pas http://x; }
  }
})");
  EXPECT_EQ(result.exit_code, 1);
  for (const char* message :
       {"unknown directive \"keepalive_timout\"", "keepalive_timeout", "weir.conf:3", "weir.conf:5", "weir.conf:6",
        "unknown directive \"proxy_pas\"", "proxy_pass", "weir.conf:7"})
    EXPECT_TRUE(contains(result.output, message)) << message << "\n" << result.output;
}

TEST(Configuration, AHostThatCannotBeResolvedIsLeftOutWithAWarning) {
  WEIR_ONLY("nginx does not start");
  FakeBackend app = FakeBackend::answering(200);
  WeirProcess weir(R"(
      upstream some { server no.such.host.invalid; server %app%; }
      server {
        location / { proxy_pass http://no.such.host.invalid; }
        location /some { proxy_pass http://some; }
      })",
                   {{"app", app.address()}});
  EXPECT_TRUE(weir.logs("host not found in upstream \"no.such.host.invalid")) << weir.error_log();
  EXPECT_TRUE(contains(weir.error_log(), "[warn]"));
  EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_EQ(weir.get("/some").status, 200);
}

TEST(BadConfiguration, StopsTheStart) {
  const TempDir dir("refused");
  const std::string prefix = dir.path().string() + "/";
  dir.write("weir.conf", kUser + "daemon off;\npid " + prefix + "weir.pid;\nevents { }\nhttp { nonsense; }\n");
  const RunResult result = run_weir({"-p", prefix, "-c", "weir.conf", "-e", "error.log"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(prefix + "weir.pid"));
  EXPECT_TRUE(contains(result.output + dir.read("error.log"), "unknown directive \"nonsense\""));
}

TEST(Configuration, QuotesEscapesAndCommentsAreNginxs) {
  WeirProcess weir(R"(
      # a comment with { braces } and "quotes"
      server { # another
        location = /single { return 200 'single "inside" \' end'; }
        location = /double { return 200 "double 'inside' \" end"; }
        location = /escape { return 200 a\ b\;c; }
        location = /controls { return 200 "tab\tline\nend"; }
        location = /hash { return 200 a#b; }
        location = /dollar { return 200 "${request_method}x"; }
        location = "/quoted name" { return 200 quoted; }
        location = /multi { return 200 "two
lines"; }
      })");
  EXPECT_EQ(weir.get("/single").text(), "single \"inside\" ' end");
  EXPECT_EQ(weir.get("/double").text(), "double 'inside' \" end");
  EXPECT_EQ(weir.get("/escape").text(), "a\\ b\\;c");
  EXPECT_EQ(weir.get("/controls").text(), "tab\tline\nend");
  EXPECT_EQ(weir.get("/hash").text(), "a#b");
  EXPECT_EQ(weir.get("/dollar").text(), "GETx");
  EXPECT_EQ(weir.get("/quoted%20name").text(), "quoted");
  EXPECT_EQ(weir.get("/multi").text(), "two\nlines");
}

TEST(Configuration, IncludesFilesByPattern) {
  const TempDir dir("include");
  dir.write("10-b.conf", "location /b { return 200 b; }");
  dir.write("05-a.conf", "location /a { return 200 a; }");
  WeirProcess weir("server { include %other%/*.conf; include %other%/nothing-*.conf; }",
                   {{"other", dir.path().string()}});
  EXPECT_EQ(weir.get("/a").text(), "a");
  EXPECT_EQ(weir.get("/b").text(), "b");
}

TEST(Configuration, RunsWithSeveralWorkersOrOne) {
  for (const int workers : {1, 4}) {
    WeirProcess weir("server { location / { return 200 ok; } }", {}, {.workers = workers});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(weir.get("/").text(), "ok");
  }
  WeirProcess automatic(kUser +
                            "daemon off; pid %dir%/weir.pid; error_log %dir%/error.log; worker_processes auto; "
                            "events { worker_connections 1024; }"
                            " http { server { listen %listen%; location / { return 200 auto; } } access_log off; }",
                        {}, {.whole_file = true});
  EXPECT_EQ(automatic.get("/").text(), "auto");
}

// Configurations come with limits of another machine; a container may not raise its own.
TEST(Configuration, ServesWithTheDescriptorsThatTheSystemGives) {
  WeirProcess weir(kUser +
                       "daemon off; pid %dir%/weir.pid; error_log %dir%/error.log; worker_rlimit_nofile 2000000000; "
                       "events { worker_connections 1024; }"
                       " http { server { listen %listen%; location / { return 200 ok; } } access_log off; }",
                   {}, {.whole_file = true});
  weir.allow_alerts();
  EXPECT_EQ(weir.get("/").text(), "ok");
  EXPECT_TRUE(weir.logs("setrlimit(RLIMIT_NOFILE, 2000000000) failed"));
}

}  // namespace
}  // namespace weir::test
