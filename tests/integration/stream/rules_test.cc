// Rules about sessions, their variables and their log.
#include <thread>

#include "stream_world.h"

namespace weir::test {
namespace {

TEST(StreamRules, TheAccessLogTellsWhatASessionWas) {
  FakeBackend app = echo("app");
  WeirProcess weir(R"(
      log_format all "$remote_addr $protocol $status $bytes_sent $bytes_received $upstream_addr "
                     "$upstream_bytes_sent $upstream_bytes_received $server_port $server_addr [$session_time] "
                     "[$upstream_connect_time $upstream_first_byte_time $upstream_session_time]";
      server { proxy_pass %app%; access_log %dir%/access.log all; })",
                   {{"app", app.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "hello", 9), "app:hello");
  const std::string port = weir.address().substr(weir.address().rfind(':') + 1);
  EXPECT_TRUE(weir.accesses("127.0.0.1 TCP 200 9 5 " + app.address() + " 5 9 " + port + " 127.0.0.1 [0.")) << weir.access_log();
}

TEST(StreamRules, AFailedSessionIsLoggedWithAllItsAttempts) {
  FakeBackend a = echo("a"), b = echo("b");
  a.stop();
  b.stop();
  WeirProcess weir(R"(
      log_format all "$status $upstream_addr $upstream_connect_time";
      upstream group { server %a%; server %b%; }
      server { proxy_pass group; access_log %dir%/access.log all; })",
                   {{"a", a.address()}, {"b", b.address()}}, in_stream({.workers = 1}));
  RawClient client(weir.address());
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.accesses("502 " + a.address() + ", " + b.address() + " -, -")) << weir.access_log();
}

TEST(StreamRules, DeniedClientsAreClosedWith403) {
  FakeBackend app = echo("app");
  WeirProcess weir(R"(
      log_format status "status $status";
      access_log %dir%/access.log status;
      server { deny 127.0.0.1; allow all; proxy_pass %app%; }
      server { listen %listen2%; allow 127.0.0.1; deny all; proxy_pass %app%; })",
                   {{"app", app.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "", 4), "");
  EXPECT_TRUE(weir.accesses("status 403"));
  EXPECT_TRUE(weir.logs("access forbidden by rule, client: 127.0.0.1, server: "));
  EXPECT_EQ(say(weir.address("listen2"), "", 4), "app:");
}

TEST(StreamRules, LimitConnCountsSessions) {
  FakeBackend app = echo("app");
  WeirProcess weir(R"(
      log_format status "status $status $limit_conn_status";
      access_log %dir%/access.log status;
      limit_conn_zone $binary_remote_addr zone=clients:1m;
      server { limit_conn clients 1; proxy_pass %app%; })",
                   {{"app", app.address()}}, in_stream());
  RawClient first(weir.address());
  EXPECT_EQ(first.read_bytes(4), "app:");
  EXPECT_EQ(say(weir.address(), "", 4), "");
  EXPECT_TRUE(weir.accesses("status 503 REJECTED"));
  EXPECT_TRUE(weir.logs("limiting connections by zone \"clients\", client: 127.0.0.1"));
  first.close();
  EXPECT_TRUE(wait_until([&] { return say(weir.address(), "", 4) == "app:"; }));
}

TEST(StreamRules, VariablesOfTheConfigurationWork) {
  WeirProcess weir(R"(
      map $server_port $known { default no; %port% yes; }
      geo $near { default far; 127.0.0.0/8 near; }
      split_clients $remote_port $half { 50% a; * b; }
      server { listen 127.0.0.1:%port%; set $mine "$known-$near"; return "$mine $protocol"; })",
                   {}, in_stream());
  EXPECT_EQ(say("127.0.0.1:" + weir.address("port"), "", 12), "yes-near TCP");
}

TEST(StreamRules, BackendsThatFailTheirCheckGetNoSessions) {
  FakeBackend bad = echo("bad"), good = echo("good");
  WeirProcess weir(R"(
      match greeting { expect "good:"; }
      upstream group { server %bad%; server %good%; }
      server { proxy_pass group; health_check interval=100ms match=greeting; })",
                   {{"bad", bad.address()}, {"good", good.address()}}, in_stream());
  EXPECT_TRUE(wait_until([&] {
    for (int i = 0; i < 6; ++i)
      if (say(weir.address(), "", 4) != "good") return false;
    return true;
  }));
}

TEST(StreamRules, NumbersAreMappedByRange) {
  WeirProcess weir(R"(
      num_map $proxy_protocol_port $what { default else; 80 exact; <=1023 low; 8080-8090 "range $remote_addr"; >60000 high; }
      server { listen %listen% proxy_protocol; return $what; })", {}, in_stream());
  const auto mapped = [&](const std::string& port) {
    RawClient client(weir.address());
    client.send("PROXY TCP4 192.0.2.7 192.0.2.8 " + port + " 443\r\n");
    return client.read_to_end().bytes;
  };
  EXPECT_EQ(mapped("80"), "exact");
  EXPECT_EQ(mapped("79"), "low");
  EXPECT_EQ(mapped("1023"), "low");
  EXPECT_EQ(mapped("1024"), "else");
  EXPECT_EQ(mapped("8080"), "range 127.0.0.1");
  EXPECT_EQ(mapped("8091"), "else");
  EXPECT_EQ(mapped("60000"), "else");
  EXPECT_EQ(mapped("60001"), "high");
  const auto wrong = [](const std::string& text) { return test_config("events {} stream { num_map $pid $x { " + text + " } }").output; };
  EXPECT_NE(wrong("1-x 0;").find("invalid number or range \"1-x\""), std::string::npos);
  EXPECT_NE(wrong("9-1 0;").find("invalid number or range"), std::string::npos);
  EXPECT_NE(wrong("1 0; 1 2;").find("conflicting parameter \"1\""), std::string::npos);
  EXPECT_NE(wrong("default 1; default 2;").find("duplicate default map parameter"), std::string::npos);
}

TEST(StreamRules, ASessionThatNothingIsToBeDoneWithEnds) {
  WeirProcess weir("log_format status $status; server { listen %listen%; access_log %dir%/access.log status; }", {}, in_stream());
  RawClient client(weir.address());
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.accesses("500"));
}

TEST(StreamRules, WhatCannotWorkIsRefused) {
  const auto wrong = [](const std::string& text) { return test_config("events {} stream { " + text + " }").output; };
  EXPECT_NE(wrong("map $pid $x { default 1; default 2; }").find("duplicate default map parameter"), std::string::npos);
  EXPECT_NE(wrong("server { listen 127.0.0.1:1; }").find("[warn] no handler for server"), std::string::npos);
  EXPECT_NE(wrong("server { listen 127.0.0.1; return x; }").find("no port in"), std::string::npos);
  EXPECT_NE(wrong("server { return x; }").find("no \"listen\" is defined for server"), std::string::npos);
  EXPECT_NE(wrong("server { listen 127.0.0.1:1; proxy_pass 127.0.0.1; }").find("no port in upstream"), std::string::npos);
  EXPECT_NE(wrong("upstream u { server 127.0.0.1; }").find("no port in upstream"), std::string::npos);
  EXPECT_NE(wrong("access_log logs/a;").find("log format is not specified"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
