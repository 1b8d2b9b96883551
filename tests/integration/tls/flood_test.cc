// Handshakes by the hundred, and who is served meanwhile.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

constexpr std::size_t kFlood = 400;

std::string client_hello() {
  std::ifstream file(WEIR_HELLOS "openssl_plain", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TlsFlood, OfHandshakesLeavesEstablishedConnectionsServed) {
  const Certificates pki;
  // RSA of 2048 bits: each handshake costs more than a dozen requests.
  const Certificate own = pki.make("localhost", {.rsa = true});
  WeirProcess weir(R"(
      log_format served served;
      access_log %dir%/error.log served;
      server { listen %listen% ssl backlog=2048; ssl_certificate %c%; ssl_certificate_key %k%; return 200 ok; }
      server { listen %listen_plain%; return 200 ok; })",
                   {{"c", own.certificate}, {"k", own.key}}, {.workers = 1});
  std::vector<RawClient> established;
  for (int i = 0; i < 5; ++i) {
    established.emplace_back(weir.address("listen_plain"));
    EXPECT_EQ(established.back().ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  }
  const auto count_of = [&](const std::string& text, const char* what) {
    std::istringstream lines(text);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) count += line.find(what) != line.npos;
    return count;
  };

  // All of it is there when the proxy looks: what it serves first is its own choice. The log tells the order.
  weir.signal(SIGSTOP);
  std::vector<RawClient> flood;
  const std::string hello = client_hello();
  ASSERT_FALSE(hello.empty());
  for (std::size_t i = 0; i < kFlood; ++i) {
    flood.emplace_back(weir.address());
    flood.back().send(hello);
    flood.back().shutdown_send();
  }
  for (RawClient& client : established) client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  weir.signal(SIGCONT);
  for (RawClient& client : established) EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(wait_until([&] { return count_of(weir.error_log(), "in SSL handshake") >= kFlood; })) << weir.error_log();

  const std::string log = weir.error_log();
  const std::size_t last_served = log.rfind("\nserved\n");
  ASSERT_NE(last_served, log.npos);
  EXPECT_EQ(count_of(log, "served"), 10u);
  EXPECT_LT(count_of(log.substr(0, last_served), "in SSL handshake"), kFlood / 4) << "the flood was served first";
  EXPECT_EQ(curl(weir, "localhost", "/").output, "ok");
}

}  // namespace
}  // namespace weir::test
