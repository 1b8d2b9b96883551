// What a session of stream costs in user space while nothing moves.
#include <gtest/gtest.h>

#include <vector>

#include "support/fake_backend.h"
#include "support/raw_client.h"
#include "support/udp.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr int kSessions = 1'000;
// Octets a session: what is reached, with some room. README says it, too.
constexpr long kOfTcp = 6'500, kOfUdp = 5'800;

class SessionMemory : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { allow_many_descriptors(); }

  /// Octets for each of the sessions that `begin` begins, when some have been served before.
  template <class Begin>
  long cost_of(WeirProcess& weir, Begin&& begin) {
    for (int i = 0; i < 50; ++i) begin();
    const auto before = static_cast<long>(weir.resident());
    for (int i = 0; i < kSessions; ++i) begin();
    const long cost = (static_cast<long>(weir.resident()) - before) / kSessions;
    std::printf("%ld B a session\n", cost);
    return cost;
  }

  static WeirOptions options() {
    return {.events = "worker_connections 16384;", .workers = 1, .stream = true, .log_level = "warn"};
  }
};

TEST_F(SessionMemory, OfTcpIsBounded) {
  FakeBackend app = FakeBackend::scripted([](BackendConnection& connection) {
    std::string bytes;
    while (connection.socket().receive(bytes) == IoStatus::Ok)
      if (!connection.send(std::exchange(bytes, {}))) return;
  });
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, options());
  std::vector<RawClient> held;
  const long cost = cost_of(weir, [&] {
    held.emplace_back(weir.address()).send("ping");
    EXPECT_EQ(held.back().read_bytes(4), "ping");
  });
  EXPECT_LE(cost, kOfTcp);
  held.clear();
}

TEST_F(SessionMemory, OfUdpIsBounded) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("udp_max_sessions 4096 client=4096; server { listen %listen% udp; proxy_pass %app%; }",
                   {{"app", app->address()}}, options());
  std::vector<UdpSocket> held;
  const long cost = cost_of(weir, [&] { EXPECT_EQ(held.emplace_back(udp_client(weir.address())).ask("x"), "app:x"); });
  EXPECT_LE(cost, kOfUdp);
}

}  // namespace
}  // namespace weir::test
