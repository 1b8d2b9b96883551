// What a connection that is encrypted costs in user space while its client is idle.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "support/certificates.h"
#include "support/socket.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr int kConnections = 1'000;
// Octets a connection, most of them OpenSSL's state. nginx needs 18.5 kB, HAProxy 16.0.
constexpr long kMost = 16'000;

/// A client that speaks TLS, for as long as it lives.
class TlsClientConnection {
 public:
  TlsClientConnection(SSL_CTX* context, const std::string& address) : socket_(Socket::connect(address)), ssl_(SSL_new(context), SSL_free) {
    SSL_set_fd(ssl_.get(), socket_.fd());
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    EXPECT_TRUE(ended([&] { return SSL_connect(ssl_.get()); }));
  }
  /// Sends a request and reads its answer, which ends with `end`.
  bool ask(std::string_view request, std::string_view end) {
    if (!ended([&] { return SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())); })) return false;
    std::string answer;
    char piece[4096];
    while (!answer.ends_with(end)) {
      int count = 0;
      if (!ended([&] { return count = SSL_read(ssl_.get(), piece, sizeof piece); })) return false;
      answer.append(piece, static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  /// Whether `step` succeeded in the end, waiting for the socket as it wants.
  template <class Step>
  bool ended(Step&& step) {
    return wait_until([&] {
      result_ = step();
      const int error = SSL_get_error(ssl_.get(), result_);
      return result_ > 0 || (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE);
    }) && result_ > 0;
  }

  Socket socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  int result_ = 0;
};

class TlsMemory : public ::testing::TestWithParam<int> {
 protected:
  static void SetUpTestSuite() { allow_many_descriptors(); }
};

TEST_P(TlsMemory, OfAnIdleConnectionAfterARequest) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      keepalive_timeout 120s;
      server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_session_cache shared:S:1m; return 200 ok; })",
                   {{"c", own.certificate}, {"k", own.key}},
                   {.events = "worker_connections 8192;", .workers = 1, .log_level = "warn"});
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), GetParam());
  std::vector<std::unique_ptr<TlsClientConnection>> held;
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) {
      held.push_back(std::make_unique<TlsClientConnection>(context.get(), weir.address()));
      EXPECT_TRUE(held.back()->ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "ok"));
    }
  };
  add(100);  // the caches are full
  const auto before = static_cast<long>(weir.resident());
  const auto cost = [&] { return (static_cast<long>(weir.resident()) - before) / kConnections; };
  add(kConnections);
  wait_until([&] { return cost() <= kMost; }, milliseconds(5'000));
  std::printf("idle after a GET: %ld B a connection\n", cost());
  EXPECT_LE(cost(), kMost);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsMemory, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

}  // namespace
}  // namespace weir::test
