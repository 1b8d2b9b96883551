// Which server block answers: by address and port first, then by name.
#include <gtest/gtest.h>

#include <filesystem>

#include "support/weir_process.h"

namespace weir::test {
namespace {

std::string served_by(WeirProcess& weir, const std::string& host) {
  return weir.get("/", {{"Host", host}}).text();
}

TEST(ServerName, ExactThenWildcardsThenRegexThenDefault) {
  WeirProcess weir(R"(
      server { server_name first.example; location / { return 200 first; } }
      server { server_name exact.example.org www.exact.example.org; location / { return 200 exact; } }
      server { server_name *.example.org; location / { return 200 star-first; } }
      server { server_name *.deep.example.org; location / { return 200 star-longer; } }
      server { server_name mail.*; location / { return 200 star-last; } }
      server { server_name .both.example; location / { return 200 dot; } }
      server { server_name ~^(?<sub>.+)\.regex\.example$; location / { return 200 "regex $sub"; } }
      server { server_name ~^never\.regex\.example$; location / { return 200 never; } }
      server { listen %listen% default_server; server_name _; location / { return 200 default; } })");
  EXPECT_EQ(served_by(weir, "first.example"), "first");
  EXPECT_EQ(served_by(weir, "exact.example.org"), "exact");
  EXPECT_EQ(served_by(weir, "www.exact.example.org"), "exact");
  EXPECT_EQ(served_by(weir, "a.example.org"), "star-first");
  EXPECT_EQ(served_by(weir, "a.b.example.org"), "star-first");
  EXPECT_EQ(served_by(weir, "x.deep.example.org"), "star-longer");
  EXPECT_EQ(served_by(weir, "example.org"), "default");
  EXPECT_EQ(served_by(weir, "mail.anything.test"), "star-last");
  EXPECT_EQ(served_by(weir, "mail.example.org"), "star-first");
  EXPECT_EQ(served_by(weir, "both.example"), "dot");
  EXPECT_EQ(served_by(weir, "x.y.both.example"), "dot");
  EXPECT_EQ(served_by(weir, "notboth.example"), "default");
  EXPECT_EQ(served_by(weir, "a.regex.example"), "regex a");
  EXPECT_EQ(served_by(weir, "never.regex.example"), "regex never");
  EXPECT_EQ(served_by(weir, "unknown"), "default");
}

TEST(ServerName, IgnoresCasePortAndTrailingDot) {
  WeirProcess weir(R"(
      server { server_name other; location / { return 200 other; } }
      server { server_name Shop.Example; location / { return 200 "$host"; } })");
  EXPECT_EQ(served_by(weir, "shop.example"), "shop.example");
  EXPECT_EQ(served_by(weir, "SHOP.EXAMPLE"), "shop.example");
  EXPECT_EQ(served_by(weir, "shop.example:8080"), "shop.example");
  EXPECT_EQ(served_by(weir, "shop.example."), "shop.example");
}

TEST(ServerName, TheFirstServerOfAnAddressIsItsDefault) {
  WeirProcess weir(R"(
      server { listen %listen%; server_name a; location / { return 200 a; } }
      server { listen %listen%; listen %listen2%; server_name b; location / { return 200 b; } }
      server { listen %listen2% default_server; server_name c; location / { return 200 c; } })");
  EXPECT_EQ(served_by(weir, "unknown"), "a");
  EXPECT_EQ(served_by(weir, "b"), "b");
  EXPECT_EQ(served_by(weir, "c"), "a");
  HttpClient second(weir.address("listen2"));
  EXPECT_EQ(second.get("/", {{"Host", "unknown"}}).text(), "c");
  EXPECT_EQ(second.get("/", {{"Host", "b"}}).text(), "b");
  EXPECT_EQ(second.get("/", {{"Host", "a"}}).text(), "c");
}

TEST(ServerName, IsChosenForEachRequestOfAConnection) {
  WeirProcess weir(R"(
      server { server_name a; location / { return 200 a; } }
      server { server_name b; location / { return 200 b; } })");
  HttpClient client = weir.client();
  for (const char* host : {"a", "b", "a", "b", "c"}) {
    EXPECT_EQ(client.get("/", {{"Host", host}}).text(), std::string(host) == "b" ? "b" : "a");
  }
  EXPECT_EQ(client.connections(), 1);
}

TEST(ServerName, ARequestWithoutHostIsServedByTheEmptyNameOrTheDefault) {
  WeirProcess weir(R"(
      server { listen %listen%; server_name a; location / { return 200 a; } }
      server { listen %listen%; server_name b ""; location / { return 200 b; } }
      server { listen %listen2%; server_name c; location / { return 200 c; } })");
  EXPECT_EQ(weir.connect().ask("GET / HTTP/1.0\r\n\r\n").text(), "b");
  EXPECT_EQ(RawClient(weir.address("listen2")).ask("GET / HTTP/1.0\r\n\r\n").text(), "c");
}

TEST(Listen, TakesEveryFormOfAddress) {
  WeirProcess weir(R"(
      server { listen %port_any%; location / { return 200 any; } }
      server { listen *:%port_star%; location / { return 200 star; } }
      server { listen 127.0.0.1:%port_v4%; location / { return 200 v4; } }
      server { listen localhost:%port_name%; location / { return 200 name; } }
      server { listen [::1]:%port_v6%; location / { return 200 v6; } }
      server { listen [::]:%port_v6any% ipv6only=on; location / { return 200 v6any; } }
      server { listen [::]:%port_dual% ipv6only=off; location / { return 200 dual; } }
      server { listen 127.0.0.1:%port_opt% backlog=128 reuseport so_keepalive=on rcvbuf=64k sndbuf=64k; location / { return 200 options; } }
      server { listen unix:%dir%/weir.sock; location / { return 200 unix; } })");
  const auto at = [&](const std::string& address) { return HttpClient(address).get("/").text(); };
  const auto port = [&](const std::string& name) { return weir.address("port_" + name); };
  EXPECT_EQ(at("127.0.0.1:" + port("any")), "any");
  EXPECT_EQ(at("127.0.0.2:" + port("any")), "any");
  EXPECT_EQ(at("127.0.0.1:" + port("star")), "star");
  EXPECT_EQ(at("127.0.0.1:" + port("v4")), "v4");
  EXPECT_THROW(at("127.0.0.2:" + port("v4")), SocketError);
  EXPECT_EQ(at("127.0.0.1:" + port("name")), "name");
  EXPECT_EQ(at("[::1]:" + port("v6")), "v6");
  EXPECT_EQ(at("[::1]:" + port("v6any")), "v6any");
  EXPECT_THROW(at("127.0.0.1:" + port("v6any")), SocketError);
  EXPECT_EQ(at("[::1]:" + port("dual")), "dual");
  EXPECT_EQ(at("127.0.0.1:" + port("dual")), "dual");
  EXPECT_EQ(at("127.0.0.1:" + port("opt")), "options");
  const std::string socket = (weir.dir().path() / "weir.sock").string();
  EXPECT_EQ(at("unix:" + socket), "unix");
  weir.stop();
  EXPECT_FALSE(std::filesystem::exists(socket)) << "a unix socket is removed at the end";
}

TEST(Listen, AnExactAddressWinsOverAny) {
  WeirProcess weir(R"(
      server { listen %port%; location / { return 200 any; } }
      server { listen 127.0.0.2:%port%; location / { return 200 two; } })");
  EXPECT_EQ(HttpClient("127.0.0.1:" + weir.address("port")).get("/").text(), "any");
  EXPECT_EQ(HttpClient("127.0.0.2:" + weir.address("port")).get("/").text(), "two");
}

TEST(Listen, KnowsTheAddressesOfAConnection) {
  WeirProcess weir(R"(
      server { listen %port%; location / { return 200 "$server_addr $server_port $remote_addr $scheme"; } })");
  EXPECT_EQ(HttpClient("127.0.0.2:" + weir.address("port")).get("/").text(),
            "127.0.0.2 " + weir.address("port") + " 127.0.0.1 http");
}

TEST(Listen, AnAddressInUseStopsTheStartWithTheReason) {
  Port taken;
  const Socket holder = Socket::listen(taken.address());
  try {
    WeirProcess weir("server { listen %taken%; location / { return 200 x; } }", {{"taken", taken.address()}});
    FAIL() << "started on an address in use";
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("bind() to " + taken.address() + " failed (98: "), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace weir::test
