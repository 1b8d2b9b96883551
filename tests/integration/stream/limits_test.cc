// What ends sessions that cannot or must not go on, and the one line that says so.
#include <filesystem>
#include <sstream>
#include <thread>

#include "../tls/tls_client.h"
#include "stream_world.h"
#include "support/certificates.h"

namespace weir::test {
namespace {

std::size_t lines_with(const std::string& text, std::string_view what) {
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(what) != line.npos;
  return count;
}

TEST(StreamLimits, NoMoreServersAreTriedThanProxyNextUpstreamTries) {
  const Port a, b, c, d;
  FakeBackend spare = echo("spare");
  WeirProcess weir(R"(
      upstream group { server %a% max_fails=0; server %b% max_fails=0; server %c% max_fails=0; server %d% max_fails=0; server %spare% backup; }
      log_format tried "$status $upstream_addr";
      access_log %dir%/access.log tried;
      server { proxy_pass group; proxy_next_upstream_tries 2; }
      server { listen %listen_all%; proxy_pass group; })",
                   {{"a", a.address()}, {"b", b.address()}, {"c", c.address()}, {"d", d.address()}, {"spare", spare.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.accesses("502 "));
  const std::string log = weir.access_log();
  EXPECT_EQ(std::count(log.begin(), log.end(), ','), 1) << log;
  EXPECT_EQ(spare.connection_count(), 0u);
  EXPECT_EQ(say(weir.address("listen_all"), "", 6), "spare:");
}

TEST(StreamLimits, NoServerIsTriedAfterProxyNextUpstreamTimeout) {
  const Port dead;
  FakeBackend spare = echo("spare");
  // A backend that takes the connection and never answers the hello: that lasts as long as proxy_connect_timeout.
  FakeBackend mute = FakeBackend::silent();
  WeirProcess weir(R"(
      upstream group { server %mute% max_fails=0; server %spare% backup; }
      proxy_ssl on; proxy_connect_timeout 300ms;
      server { proxy_pass group; proxy_next_upstream_timeout 100ms; }
      server { listen %listen_patient%; proxy_pass group; proxy_next_upstream_timeout 1h; })",
                   {{"mute", mute.address()}, {"spare", spare.address()}}, in_stream());
  RawClient client(weir.address());
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.logs("upstream timed out (110: Connection timed out) while connecting to upstream"));
  EXPECT_EQ(spare.connection_count(), 0u);
  RawClient patient(weir.address("listen_patient"));
  EXPECT_TRUE(patient.closed_within());
  EXPECT_TRUE(wait_until([&] { return spare.connection_count() == 1; }));
}

/// How many descriptors the proxy has of a kind, such as `pipe`; empty: of any.
std::size_t descriptors(const WeirProcess& weir, const std::string& kind = {}) {
  std::size_t count = 0;
  std::error_code gone;
  for (const auto& each : std::filesystem::directory_iterator("/proc/" + std::to_string(weir.pid()) + "/fd"))
    count += std::filesystem::read_symlink(each, gone).string().starts_with(kind);
  return count;
}

// Pipes that bulk went through are kept for the next, but not at the cost of those who need descriptors.
TEST(StreamLimits, IdlePipesTakeNobodysPlace) {
  WEIR_ONLY("nginx uses no pipes");
  constexpr std::size_t kLimit = 120, kBulk = 4 << 20;
  FakeBackend app = echo("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}},
                   in_stream({.main = "worker_rlimit_nofile " + std::to_string(kLimit) + ";\n", .workers = 1}));
  RawClient first(weir.address());
  EXPECT_EQ(first.read_bytes(4), "app:");  // so that whoever serves has opened what it needs
  const std::size_t before = descriptors(weir), sockets = descriptors(weir, "socket"), pipes = descriptors(weir, "pipe");
  {
    const std::string bulk(kBulk, 'b');
    std::vector<std::thread> clients;
    for (int i = 0; i < 10; ++i)
      clients.emplace_back([&] {
        RawClient client(weir.address());
        std::thread sender([&] { client.send(bulk); });
        EXPECT_EQ(client.read_bytes(4 + kBulk).size(), 4 + kBulk);
        sender.join();
      });
    for (std::thread& client : clients) client.join();
  }
  EXPECT_TRUE(wait_until([&] { return descriptors(weir, "socket") == sockets; }));
  const std::size_t kept = descriptors(weir, "pipe") - pipes;
  EXPECT_GT(kept, 0u);
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < (kLimit - before) / 2 - 1; ++i) {
    clients.emplace_back(weir.address());
    EXPECT_EQ(clients.back().read_bytes(4), "app:") << "session " << i << ", " << kept << " descriptors of pipes";
  }
}

TEST(StreamLimits, UploadsKeepToTheirRate) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    std::string bytes;
    while (bytes.size() < 3000 && connection.socket().receive(bytes) == IoStatus::Ok) continue;
    connection.send(std::to_string(bytes.size()));
  });
  WeirProcess weir("server { proxy_pass %app%; proxy_upload_rate 1000; }", {{"app", app.address()}}, in_stream());
  const Clock::time_point began = Clock::now();
  RawClient client(weir.address());
  client.send(std::string(3000, 'x'));
  EXPECT_EQ(client.read_bytes(4), "3000");
  EXPECT_GE(Clock::now() - began, milliseconds(1900));  // the first second's worth goes at once
}

TEST(StreamLimits, ConnectionsToBackendsComeFromTheAddressOfProxyBind) {
  WeirProcess weir(R"(
      server { listen %listen%; proxy_pass %listen_app%; proxy_bind 127.0.0.9; }
      server { listen %listen_variable%; proxy_pass %listen_app%; proxy_bind $remote_addr; }
      server { listen %listen_app%; return "$remote_addr"; })", {}, in_stream());
  EXPECT_EQ(RawClient(weir.address()).read_to_end().bytes, "127.0.0.9");
  EXPECT_EQ(RawClient(weir.address("listen_variable")).read_to_end().bytes, "127.0.0.1");
}

TEST(StreamLimits, WhoSaysNothingWhereSomethingIsDueIsCutOff) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_handshake_timeout 100ms; return in; }
      server { listen %listen_proxy% proxy_protocol; proxy_protocol_timeout 100ms; return in; })",
                   {{"c", own.certificate}, {"k", own.key}}, in_stream());
  RawClient silent(weir.address()), half(weir.address()), other(weir.address("listen_proxy"));
  half.send("\x16\x03\x01");
  other.send("PROXY TCP4 ");
  for (RawClient* client : {&silent, &half, &other}) EXPECT_TRUE(client->closed_within());
  EXPECT_TRUE(wait_until([&] { return lines_with(weir.error_log(), "while SSL handshaking") == 2; })) << weir.error_log();
  EXPECT_TRUE(weir.logs("client timed out (110: Connection timed out) while reading PROXY protocol"));
  EXPECT_EQ(lines_with(weir.error_log(), "timed out"), 3u);
}

TEST(StreamLimits, EveryBrokenProxyHeaderEndsItsSessionWithOneLine) {
  using namespace std::string_literals;
  FakeBackend app = echo("app");
  WeirProcess weir("server { listen %listen% proxy_protocol; proxy_pass %app%; }", {{"app", app.address()}}, in_stream());
  const std::string binary = "\r\n\r\n\0\r\nQUIT\n"s;
  const std::string headers[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "PROXY TCP4 192.0.2.7 192.0.2.8 1234\r\n",
      "PROXY TCP4 192.0.2.7 192.0.2.8 1234 99999\r\n",
      "PROXY TCP4 192.0.2.777 192.0.2.8 1234 443\r\n",
      "PROXY TCP6 192.0.2.7 192.0.2.8 1234 443\r\n",
      "PROXY TCP4 192.0.2.7 192.0.2.8 1234 443 more\r\n",
      "PROXY " + std::string(120, 'x'),
      binary + "\x31\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x63\0\x50"s,  // version 3
      binary + "\x21\x11\0\x04\1\2\3\4"s,                        // shorter than its addresses
      binary + "\x2f\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x63\0\x50"s,  // no known command
  };
  std::size_t sent = 0;
  for (const std::string& header : headers) {
    SCOPED_TRACE(header);
    RawClient client(weir.address());
    client.send(header);
    client.shutdown_send();
    EXPECT_TRUE(client.closed_within());
    ++sent;
    EXPECT_TRUE(wait_until([&] { return lines_with(weir.error_log(), "while reading PROXY protocol") == sent; })) << weir.error_log();
  }
  EXPECT_EQ(app.connection_count(), 0u);
}

TEST(StreamLimits, BackendsAreToldOfTheHandshakeInListsOfVersion2) {
  const Certificates pki;
  const Certificate own = pki.make("localhost", {.rsa = true}), client = pki.make("visitor");
  WeirProcess weir(R"(
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_alpn h2 http/1.1; ssl_verify_client optional;
               ssl_client_certificate %ca%; proxy_protocol v2; proxy_pass %listen_app%; }
      server { listen %listen_app% proxy_protocol;
               return "$proxy_protocol_tlv_authority|$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_0x01|$proxy_protocol_tlv_ssl_version|$proxy_protocol_tlv_ssl_cn|$proxy_protocol_tlv_ssl_cipher|$proxy_protocol_tlv_ssl_key_alg|$proxy_protocol_tlv_ssl_verify"; })",
                   {{"c", own.certificate}, {"k", own.key}, {"ca", client.certificate}}, in_stream());
  const std::string said = s_client(weir, "/", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -servername shop.example -alpn http/1.1 -cert " +
                                                   client.certificate + " -key " + client.key);
  EXPECT_NE(said.find("shop.example|http/1.1|http/1.1|TLSv1.2|visitor|ECDHE-RSA-AES128-GCM-SHA256|RSA2048|0"), std::string::npos) << said;
  const std::string stranger = s_client(weir, "/", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -servername shop.example");
  EXPECT_NE(stranger.find("shop.example|||TLSv1.2||ECDHE-RSA-AES128-GCM-SHA256|RSA2048|1"), std::string::npos) << stranger;
}

}  // namespace
}  // namespace weir::test
