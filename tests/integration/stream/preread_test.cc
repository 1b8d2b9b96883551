// ssl_preread: sessions are routed by a ClientHello that is passed on as it came.
#include <fstream>
#include <iterator>

#include "stream_world.h"
#include "support/certificates.h"
#include "support/child_process.h"

namespace weir::test {
namespace {

using namespace std::string_literals;

/// What a real client sent first, as it was recorded.
std::string recorded(const char* name) {
  std::ifstream file(std::string(WEIR_HELLOS) + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr const char* kByName = R"(
    upstream www.example.com { server %a%; }
    upstream curl.example { server %b%; }
    server { ssl_preread on; proxy_pass $ssl_preread_server_name; })";

TEST(SslPreread, TheServerNameChoosesTheBackendAndNoOctetIsLost) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(kByName, {{"a", a.address()}, {"b", b.address()}}, in_stream());
  const std::string openssl = recorded("openssl_alpn"), curl = recorded("curl");
  EXPECT_EQ(say(weir.address(), openssl + "more", openssl.size() + 6), "a:" + openssl + "more");
  EXPECT_EQ(say(weir.address(), curl, curl.size() + 2), "b:" + curl);
}

TEST(SslPreread, TheHelloMayComeInAnyPieces) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(kByName, {{"a", a.address()}, {"b", b.address()}}, in_stream());
  const std::string hello = recorded("openssl_alpn"), body = hello.substr(5);
  RawClient slow(weir.address());
  for (const char octet : hello) slow.send({&octet, 1});
  EXPECT_EQ(slow.read_bytes(hello.size() + 2), "a:" + hello);
  std::string records;
  for (std::size_t at = 0; at < body.size(); at += 50) {
    const std::string part = body.substr(at, 50);
    records += "\x16\x03\x01\0"s + static_cast<char>(part.size()) + part;
  }
  EXPECT_EQ(say(weir.address(), records, records.size() + 2), "a:" + records);
}

TEST(SslPreread, AClientThatSaysNothingOrTooLittleHoldsUpNobody) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(kByName, {{"a", a.address()}, {"b", b.address()}}, in_stream({.workers = 1}));
  const std::string hello = recorded("openssl_alpn");
  RawClient silent(weir.address()), slow(weir.address());
  slow.send(hello.substr(0, 20));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say(weir.address(), hello, hello.size() + 2), "a:" + hello);
  slow.send(hello.substr(20));
  EXPECT_EQ(slow.read_bytes(hello.size() + 2), "a:" + hello);
}

TEST(SslPreread, TheServerThatWasNamedSetsItsVariables) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(R"(
      server { listen %listen%; ssl_preread on; proxy_pass %b%; }
      server { listen %listen%; server_name www.example.com; set $to %a%; proxy_pass $to; })",
                   {{"a", a.address()}, {"b", b.address()}}, in_stream());
  const std::string named = recorded("openssl_alpn"), other = recorded("curl");
  EXPECT_EQ(say(weir.address(), named, named.size() + 2), "a:" + named);
  EXPECT_EQ(say(weir.address(), other, other.size() + 2), "b:" + other);
}

TEST(SslPreread, ARealHandshakePassesThrough) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess inner(R"(server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%;
                               return 200 "$ssl_server_name $ssl_protocol"; })",
                    {{"c", own.certificate}, {"k", own.key}});
  WeirProcess weir("upstream localhost { server %inner%; } server { ssl_preread on; proxy_pass $ssl_preread_server_name; }",
                   {{"inner", inner.address()}}, in_stream());
  const std::string port = weir.address().substr(weir.address().rfind(':') + 1);
  const RunResult result = run_program({"/usr/bin/curl", "-s", "--max-time", "15", "--cacert", own.certificate, "--resolve",
                                        "localhost:" + port + ":127.0.0.1", "https://localhost:" + port + "/"});
  EXPECT_EQ(result.output, "localhost TLSv1.3");
}

TEST(SslPreread, MapsSeeNameProtocolsAndVersion) {
  FakeBackend ssh = echo("ssh"), h2 = echo("h2"), old = echo("old");
  WeirProcess weir(R"(
      map $ssl_preread_protocol $app { "" %ssh%; TLSv1.2 %old%; default $by_alpn; }
      map $ssl_preread_alpn_protocols $by_alpn { ~\bh2\b %h2%; default %old%; }
      log_format line "[$ssl_preread_server_name|$ssl_preread_alpn_protocols|$ssl_preread_protocol]";
      server { ssl_preread on; proxy_pass $app; access_log %dir%/access.log line; })",
                   {{"ssh", ssh.address()}, {"h2", h2.address()}, {"old", old.address()}}, in_stream());
  EXPECT_EQ(say(weir.address(), "SSH-2.0-test\r\n", 18), "ssh:SSH-2.0-test\r\n");
  EXPECT_TRUE(weir.accesses("[-|-|-]")) << weir.access_log();
  EXPECT_EQ(say(weir.address(), recorded("curl"), 3), "h2:");
  EXPECT_TRUE(weir.accesses("[curl.example|h2,http/1.1|TLSv1.3]")) << weir.access_log();
  EXPECT_EQ(say(weir.address(), recorded("curl_http1"), 4), "old:");
  EXPECT_TRUE(weir.accesses("[curl.example|http/1.1|TLSv1.2]")) << weir.access_log();
  EXPECT_EQ(say(weir.address(), recorded("openssl_plain"), 4), "old:");
  EXPECT_TRUE(weir.accesses("[||TLSv1.3]") || weir.accesses("[-|-|TLSv1.3]")) << weir.access_log();
}

TEST(SslPreread, ABrokenHelloEndsTheSessionWithOneLine) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(kByName, {{"a", a.address()}, {"b", b.address()}}, in_stream({.log_level = "error"}));
  std::string broken = recorded("openssl_alpn");
  --broken[8];  // the message ends one octet too early
  RawClient client(weir.address());
  client.send(broken);
  EXPECT_TRUE(client.closed_within());
  EXPECT_TRUE(weir.logs("client sent a broken ClientHello: a broken list of extensions, client: 127.0.0.1, server: " +
                        weir.address()));
  EXPECT_EQ(weir.error_log().find('\n'), weir.error_log().size() - 1) << weir.error_log();
  EXPECT_EQ(a.connection_count() + b.connection_count(), 0u);
}

TEST(SslPreread, EveryBrokenHelloEndsItsSessionWithOneLine) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir(kByName, {{"a", a.address()}, {"b", b.address()}}, in_stream({.log_level = "error"}));
  const std::string whole = recorded("openssl_alpn");
  const auto with = [&](std::size_t at, char octet) {
    std::string changed = whole;
    changed[at] = octet;
    return changed;
  };
  const std::size_t suites = 44 + static_cast<unsigned char>(whole[43]);  // behind the session id
  const std::string hellos[] = {
      // The first octet of these is for the fuzzer.
      recorded("name_nul").substr(1), recorded("name_twice").substr(1), recorded("alpn_empty_name").substr(1),
      with(43, '\x21'),  // a session id of 33 octets
      with(suites + 1, static_cast<char>(whole[suites + 1] ^ 1)),  // half a cipher
      with(5, '\x02'),  // another message than a hello
  };
  std::size_t sent = 0;
  for (const std::string& hello : hellos) {
    SCOPED_TRACE(sent);
    RawClient client(weir.address());
    client.send(hello);
    EXPECT_TRUE(client.closed_within());
    ++sent;
    const auto lines = [&] {
      const std::string log = weir.error_log();
      return static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
    };
    EXPECT_TRUE(wait_until([&] { return lines() == sent; })) << weir.error_log();
  }
  EXPECT_EQ(a.connection_count() + b.connection_count(), 0u);
}

TEST(SslPreread, OnlySoMuchIsLookedAtAndOnlySoLong) {
  FakeBackend a = echo("a"), b = echo("b");
  WeirProcess weir("preread_buffer_size 42; preread_timeout 300ms;" + std::string(kByName),
                   {{"a", a.address()}, {"b", b.address()}}, in_stream());
  RawClient large(weir.address()), silent(weir.address());
  large.send(recorded("openssl_alpn"));
  EXPECT_TRUE(large.closed_within());
  EXPECT_TRUE(weir.logs("preread buffer full")) << weir.error_log();
  silent.send("\x16");
  EXPECT_TRUE(silent.closed_within());
  EXPECT_TRUE(weir.logs("client timed out")) << weir.error_log();
}

}  // namespace
}  // namespace weir::test
