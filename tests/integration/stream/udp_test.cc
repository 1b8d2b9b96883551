// Sessions of datagrams: who gets what, when they end, and how many there may be.
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>

#include "stream_world.h"
#include "support/udp.h"

namespace weir::test {
namespace {

using Strings = std::vector<std::string>;

/// Numbers its answers: as many as the datagram says.
std::unique_ptr<UdpBackend> counting(const std::string& address = "127.0.0.1:0") {
  return std::make_unique<UdpBackend>([](const std::string& octets, const std::string&) {
    Strings answers;
    for (int i = 1; i <= std::stoi(octets); ++i) answers.push_back(std::to_string(i));
    return answers;
  }, address);
}

/// Says which socket of the proxy a datagram came from.
std::unique_ptr<UdpBackend> naming_sender() {
  return std::make_unique<UdpBackend>([](const std::string&, const std::string& from) { return Strings{from}; });
}

/// How many descriptors the proxy has.
std::size_t open_files(const WeirProcess& weir) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(weir.pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

std::size_t lines_with(const WeirProcess& weir, std::string_view text) {
  std::istringstream log(weir.error_log());
  std::size_t lines = 0;
  for (std::string line; std::getline(log, line);) lines += line.find(text) != line.npos;
  return lines;
}

TEST(Udp, AnswersComeBackToWhoAsked) {
  const auto app = naming_sender();
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; }", {{"app", app->address()}}, in_stream());
  UdpSocket one = udp_client(weir.address()), other = udp_client(weir.address());
  const std::string session = one.ask("a"), second = other.ask("b");
  EXPECT_NE(session, second);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(one.ask("a"), session);
    EXPECT_EQ(other.ask("b"), second);
  }
}

TEST(Udp, DatagramsPassWholeWhateverTheirSize) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; }", {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  for (const std::size_t size : {0u, 1u, 1472u, 20'000u, 65'000u}) {
    const std::string octets(size, 'x');
    EXPECT_EQ(client.ask(octets), "app:" + octets);
  }
}

TEST(Udp, AWildcardSocketAnswersFromTheAddressThatWasAsked) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen 0.0.0.0:%port% udp; listen [::]:%port% udp; proxy_pass %app%; }", {{"app", app->address()}},
                   in_stream());
  const std::string port = ":" + weir.address("port");
  // A connected socket takes answers from that address alone.
  for (const std::string& address : {"127.0.0.1" + port, "127.0.0.9" + port, "[::1]" + port})
    EXPECT_EQ(udp_client(address).ask("hi"), "app:hi") << address;
  // One client, two addresses: two sessions.
  UdpSocket client;
  client.send_to("1", "127.0.0.1" + port);
  EXPECT_TRUE(client.receive());
  client.send_to("1", "127.0.0.9" + port);
  std::string from;
  EXPECT_TRUE(client.receive(kPatience, &from));
  EXPECT_EQ(from, "127.0.0.9" + port);
  EXPECT_EQ(app->senders(), 5u);
}

TEST(Udp, ASocketForBothFamiliesServesBoth) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("udp_max_sessions 9 client=1; server { listen [::]:%port% udp ipv6only=off; proxy_pass %app%; }",
                   {{"app", app->address()}}, in_stream());
  const std::string port = ":" + weir.address("port");
  UdpSocket four = udp_client("127.0.0.9" + port), other("127.0.0.2:0"), six = udp_client("[::1]" + port);
  other.connect("127.0.0.1" + port);
  EXPECT_EQ(four.ask("4"), "app:4");
  EXPECT_EQ(other.ask("o"), "app:o");
  EXPECT_EQ(six.ask("6"), "app:6");
}

TEST(Udp, TcpAndUdpShareAPort) {
  const auto app = UdpBackend::echoing("datagrams");
  FakeBackend stream = echo("stream");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; } server { listen %listen%; proxy_pass %stream%; }",
                   {{"app", app->address()}, {"stream", stream.address()}}, in_stream());
  EXPECT_EQ(udp_client(weir.address()).ask("x"), "datagrams:x");
  EXPECT_EQ(say(weir.address(), "x", 8), "stream:x");
}

TEST(Udp, ASessionEndsWithTheLastAnswerThatIsExpected) {
  const auto app = counting();
  WeirProcess weir(R"(
      server { listen %listen% udp; proxy_pass %app%; proxy_responses 2; }
      server { listen %listen2% udp; proxy_pass %app%; proxy_responses 0; }
      server { listen %listen3% udp; proxy_pass %app%; proxy_requests 2; proxy_responses 1; })",
                   {{"app", app->address()}}, in_stream({.workers = 1}));
  UdpSocket client = udp_client(weir.address());
  EXPECT_EQ(client.ask("1"), "1");
  EXPECT_EQ(client.ask("3"), "1");  // the session is complete with the fourth answer, so the last one comes, too
  EXPECT_EQ(client.receive().value_or("-"), "2");
  EXPECT_EQ(client.receive().value_or("-"), "3");
  EXPECT_EQ(app->senders(), 1u);
  EXPECT_TRUE(weir.logs("udp done, packets from/to client:2/4")) << weir.error_log();
  EXPECT_EQ(client.ask("2"), "1");
  EXPECT_EQ(app->senders(), 2u);

  UdpSocket mute = udp_client(weir.address("listen2"));
  mute.send("1");
  EXPECT_TRUE(weir.logs("udp done, packets from/to client:1/0")) << weir.error_log();

  UdpSocket twice = udp_client(weir.address("listen3"));
  const std::size_t before = app->senders();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(twice.ask("1"), "1");
  EXPECT_EQ(app->senders(), before + 2);
}

TEST(Udp, ProxyRequestsBeginsAnotherSessionWhileTheFirstGoesOn) {
  const auto app = naming_sender();
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; proxy_requests 2; }", {{"app", app->address()}},
                   in_stream({.workers = 1}));
  UdpSocket client = udp_client(weir.address());
  Strings sessions;
  for (int i = 0; i < 5; ++i) sessions.push_back(client.ask("x"));
  EXPECT_EQ(sessions[0], sessions[1]);
  EXPECT_EQ(sessions[2], sessions[3]);
  EXPECT_EQ((std::set<std::string>(sessions.begin(), sessions.end())).size(), 3u);
}

TEST(Udp, AnIdleSessionEnds) {
  const auto app = counting();
  WeirProcess weir(R"(
      proxy_timeout 200ms;
      server { listen %listen% udp; proxy_pass %app%; }
      server { listen %listen2% udp; proxy_pass %app%; proxy_responses 1; })",
                   {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  EXPECT_EQ(client.ask("1"), "1");
  EXPECT_TRUE(weir.logs("udp timed out, packets from/to client:1/1")) << weir.error_log();
  EXPECT_EQ(client.ask("1"), "1");
  EXPECT_EQ(app->senders(), 2u);
  // An answer was expected and did not come.
  udp_client(weir.address("listen2")).send("0");
  EXPECT_TRUE(weir.logs("upstream timed out (110: Connection timed out) while proxying connection")) << weir.error_log();
}

TEST(Udp, BackendsTakeTurnsAndTheDeadAreLeftAlone) {
  const auto a = UdpBackend::echoing("a"), b = UdpBackend::echoing("b");
  std::string dead;
  {
    const UdpSocket gone;
    dead = gone.address();
  }
  WeirProcess weir(R"(
      upstream both { server %a%; server %b%; }
      upstream three { server %dead%; server %a%; server %b%; }
      proxy_responses 1;
      server { listen %listen% udp; proxy_pass both; }
      server { listen %listen2% udp; proxy_pass three; proxy_timeout 5s; })",
                   {{"a", a->address()}, {"b", b->address()}, {"dead", dead}}, in_stream({.workers = 1}));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(udp_client(weir.address()).ask("x").ends_with(":x"));
  EXPECT_EQ(a->count(), 5u);
  EXPECT_EQ(b->count(), 5u);
  // The first datagram is lost, as it would be on the way; the backend is not tried again.
  UdpSocket first = udp_client(weir.address("listen2"));
  first.send("x");
  EXPECT_TRUE(weir.logs("failed (111: Connection refused) while proxying datagrams")) << weir.error_log();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(udp_client(weir.address("listen2")).ask("y").ends_with(":y"));
}

TEST(Udp, WhereNoSocketCanBeMadeAnotherBackendIsTried) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir(R"(
      upstream group { server [::1]:9; server %app%; }
      server { listen %listen% udp; proxy_pass group; proxy_bind 127.0.0.5; })",
                   {{"app", app->address()}}, in_stream({.workers = 1}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(udp_client(weir.address()).ask("x"), "app:x");
  EXPECT_TRUE(weir.logs("while connecting to upstream, client: 127.0.0.1")) << weir.error_log();
}

TEST(Udp, ManySessionsOfOneClientStayWithinTheirLimit) {
  const auto app = naming_sender();
  WeirProcess weir(R"(
      udp_max_sessions 100 client=50;
      server { listen %listen% udp; proxy_pass %app%; })",
                   {{"app", app->address()}}, in_stream());
  const std::string address = weir.address();
  // Ten thousand ports of one address; who came first and went on after an answer is served, and stays so.
  UdpSocket early = udp_client(address);
  const std::string session = early.ask("x");
  EXPECT_EQ(early.ask("x"), session);
  const std::size_t before = open_files(weir);
  std::size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    udp_client(address).send("flood");
    if (i % 250 == 0) most = std::max(most, open_files(weir) - before);
  }
  EXPECT_GE(most, 40u);
  EXPECT_LE(most, 49u + 2 * 16);  // those that make room go at the end of a batch
  // Behind a flood a datagram may be lost in the full buffer of the socket.
  EXPECT_TRUE(wait_until([&] { return early.ask("y", milliseconds(500)) == session; }));
  UdpSocket elsewhere("127.0.0.2:0");
  elsewhere.connect(address);
  EXPECT_TRUE(wait_until([&] { return elsewhere.ask("z", milliseconds(500)) != "-"; }));
  EXPECT_TRUE(weir.logs("dropped: too many UDP sessions of one client (limit: udp_max_sessions)")) << weir.error_log();
  EXPECT_LT(lines_with(weir, "udp_max_sessions"), 100u);  // not one a datagram
}

TEST(Udp, WhoNeverWentOnAfterAnAnswerMakesRoom) {
  const auto app = naming_sender();
  const UdpBackend mute([](const std::string&, const std::string&) { return Strings(); });
  WeirProcess weir(R"(
      udp_max_sessions 60;
      server { listen %listen% udp; proxy_pass %app%; }
      server { listen %listen2% udp; proxy_pass %mute%; })",
                   {{"app", app->address()}, {"mute", mute.address()}}, in_stream({.workers = 1}));
  UdpSocket talker = udp_client(weir.address());
  const std::string session = talker.ask("x");
  EXPECT_EQ(talker.ask("x"), session);
  // Half of what fills the places is answered, and the answer goes to nobody.
  for (int i = 0; i < 100; ++i) {
    UdpSocket forged("127.0.1." + std::to_string(1 + i) + ":0");
    forged.connect(weir.address(i % 2 == 0 ? "listen" : "listen2"));
    forged.send("forged");
  }
  EXPECT_TRUE(weir.logs("dropped: too many UDP sessions (limit: udp_max_sessions)")) << weir.error_log();
  for (int i = 0; i < 20; ++i) {
    UdpSocket newcomer("127.0.2." + std::to_string(1 + i) + ":0");
    newcomer.connect(weir.address());
    EXPECT_TRUE(wait_until([&] { return newcomer.ask("x", milliseconds(200)) != "-"; })) << i;
  }
  EXPECT_EQ(talker.ask("y"), session);
  EXPECT_TRUE(weir.logs("UDP sessions on " + weir.address() + " made room for new ones (limit: udp_max_sessions)"));
  EXPECT_LT(lines_with(weir, "udp_max_sessions"), 30u);
}

TEST(Udp, AClientWithManyPortsMakesRoomForItself) {
  const auto app = naming_sender();
  WeirProcess weir("udp_max_sessions 100 client=10; server { listen %listen% udp; proxy_pass %app%; }",
                   {{"app", app->address()}}, in_stream({.workers = 1}));
  UdpSocket elsewhere("127.0.0.2:0");
  elsewhere.connect(weir.address());
  const std::string session = elsewhere.ask("x");
  for (int i = 0; i < 30; ++i) {
    UdpSocket resolver = udp_client(weir.address());
    EXPECT_TRUE(wait_until([&] { return resolver.ask("x", milliseconds(200)) != "-"; })) << i;
  }
  EXPECT_EQ(elsewhere.ask("x"), session);  // it had not gone on, but there was no need for its place
}

TEST(Udp, WithoutDescriptorsTheEarlySessionsGoOnAndTheLogStaysShort) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; }", {{"app", app->address()}},
                   in_stream({.main = "worker_rlimit_nofile 64;\n", .workers = 1}));
  weir.allow_alerts();
  UdpSocket early = udp_client(weir.address());
  EXPECT_EQ(early.ask("x"), "app:x");
  for (int i = 0; i < 2000; ++i) udp_client(weir.address()).send("flood");
  EXPECT_TRUE(weir.logs("socket() failed (24: Too many open files)")) << weir.error_log();
  // Behind a flood it may be lost in the full buffer of the socket.
  EXPECT_TRUE(wait_until([&] { return early.ask("y", milliseconds(500)) == "app:y"; }));
  EXPECT_LT(lines_with(weir, "[alert]"), 100u);
}

TEST(Udp, PlacesComeBack) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("udp_max_sessions 2; server { listen %listen% udp; proxy_pass %app%; proxy_responses 1; }",
                   {{"app", app->address()}}, in_stream());
  for (int i = 0; i < 100; ++i) {
    UdpSocket client = udp_client(weir.address());
    // The session before may be about to end.
    EXPECT_TRUE(wait_until([&] { return client.ask("x", milliseconds(100)) == "app:x"; }));
  }
}

TEST(Udp, AnAnswerThatIsHeldBackByItsRateIsNoSilence) {
  const auto app = std::make_unique<UdpBackend>(
      [](const std::string&, const std::string&) { return Strings(2, std::string(1000, 'x')); });
  // The second has to wait for the second second.
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; proxy_timeout 400ms; proxy_download_rate 600; }",
                   {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  EXPECT_EQ(client.ask("x").size(), 1000u);
  EXPECT_EQ(client.receive(milliseconds(5000)).value_or("-").size(), 1000u);
}

TEST(Udp, AClientThatDoesNotReadDelaysNobody) {
  // One datagram of the first client brings twenty thousand; it reads none of them.
  const auto app = std::make_unique<UdpBackend>([](const std::string& octets, const std::string&) {
    return Strings(octets == "much" ? 20'000 : 1, std::string(1000, 'x'));
  });
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; }", {{"app", app->address()}},
                   in_stream({.workers = 1}));
  UdpSocket greedy = udp_client(weir.address()), modest = udp_client(weir.address());
  greedy.send("much");
  EXPECT_TRUE(wait_until([&] { return modest.ask("x", milliseconds(500)).size() == 1000; }));
}

TEST(Udp, RatesHoldBackWholeDatagrams) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; proxy_download_rate 500; }", {{"app", app->address()}},
                   in_stream());
  UdpSocket client = udp_client(weir.address());
  const std::string octets(1000, 'x');
  EXPECT_EQ(client.ask(octets), "app:" + octets);
  const Stopwatch watch;
  EXPECT_EQ(client.ask(octets), "app:" + octets);
  EXPECT_GE(watch.elapsed(), milliseconds(900));
}

TEST(Udp, ABackendIsToldOfTheClient) {
  const auto app = UdpBackend::echoing("");
  WeirProcess weir(R"(
      server { listen %listen% udp; proxy_pass %app%; proxy_protocol on; }
      server { listen %listen2% udp; proxy_pass %app%; proxy_protocol v2; })",
                   {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  const std::string port = weir.address().substr(weir.address().rfind(':') + 1);
  EXPECT_EQ(client.ask("one"), ":PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(client.port()) + " " + port + "\r\none");
  EXPECT_EQ(client.ask("two"), ":two");
  UdpSocket second = udp_client(weir.address("listen2"));
  const std::string answer = second.ask("one");
  ASSERT_GE(answer.size(), 29u);
  EXPECT_EQ(answer.substr(1, 14), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x12", 14));
  EXPECT_EQ(answer.substr(17, 8), std::string("\x7f\0\0\x01\x7f\0\0\x01", 8));
  EXPECT_TRUE(answer.ends_with("one"));
}

// Else the client could write the header itself, into its next datagram.
TEST(Udp, TheHeaderWaitsForADatagramThatLeaves) {
  const auto app = UdpBackend::echoing("");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; proxy_protocol on; }", {{"app", app->address()}},
                   in_stream());
  UdpSocket client = udp_client(weir.address());
  client.send(std::string(65'507, 'x'));  // there is no room for the header beside it
  ASSERT_TRUE(weir.logs("too large for the backend")) << weir.error_log();
  const std::string header = ":PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(client.port()) + " ";
  EXPECT_EQ(client.ask("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\ntwo").substr(0, header.size()), header);
  EXPECT_EQ(client.ask("three"), ":three");
}

TEST(Udp, WhatIsReturnedKnowsWhatWasReceived) {
  WeirProcess weir("server { listen %listen% udp; return \"$protocol $bytes_received\"; }", {}, in_stream());
  EXPECT_EQ(udp_client(weir.address()).ask("four"), "UDP 4");
}

TEST(Udp, SessionsAreLoggedAsThoseOfUdp) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir(R"(
      log_format line "$protocol $status $bytes_received $bytes_sent $upstream_addr $upstream_bytes_sent $server_port";
      server { listen %listen% udp; proxy_pass %app%; proxy_responses 1; access_log %dir%/access.log line; })",
                   {{"app", app->address()}}, in_stream());
  EXPECT_EQ(udp_client(weir.address()).ask("four"), "app:four");
  const std::string port = weir.address().substr(weir.address().rfind(':') + 1);
  EXPECT_TRUE(weir.accesses("UDP 200 4 8 " + app->address() + " 4 " + port + "\n")) << weir.access_log();
}

TEST(Udp, RulesAndTextsWorkAsForStreams) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir(R"(
      limit_conn_zone $binary_remote_addr zone=places:1m;
      map $remote_addr $whom { 127.0.0.1 here; default there; }
      log_format line "$server_port $status";
      access_log %dir%/access.log line;
      server { listen %listen% udp; deny 127.0.0.2; proxy_pass %app%; }
      server { listen %listen2% udp; set $text "$protocol $whom"; return $text; }
      server { listen %listen3% udp; limit_conn places 1; proxy_pass %app%; })",
                   {{"app", app->address()}}, in_stream());
  EXPECT_EQ(udp_client(weir.address()).ask("x"), "app:x");
  UdpSocket denied("127.0.0.2:0");
  denied.connect(weir.address());
  denied.send("x");
  EXPECT_TRUE(weir.accesses(weir.address().substr(weir.address().rfind(':') + 1) + " 403")) << weir.error_log();
  EXPECT_EQ(udp_client(weir.address("listen2")).ask("x"), "UDP here");
  UdpSocket first = udp_client(weir.address("listen3"));
  EXPECT_EQ(first.ask("x"), "app:x");
  udp_client(weir.address("listen3")).send("y");
  EXPECT_TRUE(weir.accesses(" 503")) << weir.error_log();
  EXPECT_EQ(first.ask("z"), "app:z");
}

TEST(Udp, SessionsOutliveAReload) {
  const auto before = naming_sender();
  const auto after = UdpBackend::echoing("after");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %before%; } server { listen %listen2% udp; proxy_pass %before%; }",
                   {{"before", before->address()}, {"after", after->address()}}, in_stream());
  UdpSocket old = udp_client(weir.address()), removed = udp_client(weir.address("listen2"));
  const std::string session = old.ask("x");
  EXPECT_NE(removed.ask("x"), "-");
  weir.reload("server { listen %listen% udp; proxy_pass %after%; }");
  EXPECT_TRUE(wait_until([&] { return udp_client(weir.address()).ask("x", milliseconds(200)) == "after:x"; }));
  EXPECT_EQ(old.ask("x"), session);
  EXPECT_TRUE(weir.logs("udp session closed")) << weir.error_log();
}

TEST(Udp, AGracefulEndDoesNotWaitForThem) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; }", {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  EXPECT_EQ(client.ask("x"), "app:x");
  weir.signal(SIGQUIT);
  EXPECT_EQ(weir.wait_for_exit(), 0);
}

TEST(Udp, WhatDatagramsCannotHaveIsRefused) {
  const auto refusal = [](const std::string& listen) {
    return test_config("events {} stream { server { listen " + listen + "; proxy_pass 127.0.0.1:9; } }").output;
  };
  EXPECT_NE(refusal("127.0.0.1:9 udp ssl").find("\"ssl\" parameter is incompatible with \"udp\""), std::string::npos);
  EXPECT_NE(refusal("127.0.0.1:9 proxy_protocol udp").find("\"proxy_protocol\" parameter is incompatible with \"udp\""),
            std::string::npos);
  EXPECT_NE(refusal("127.0.0.1:9 udp backlog=9").find("\"backlog\" parameter is incompatible"), std::string::npos);
  EXPECT_NE(refusal("unix:/tmp/x udp").find("not implemented by Weir"), std::string::npos);
  EXPECT_NE(test_config("events {} stream { udp_max_sessions 9 per=3; }").output.find("invalid parameter \"per=3\""),
            std::string::npos);
}

}  // namespace
}  // namespace weir::test
