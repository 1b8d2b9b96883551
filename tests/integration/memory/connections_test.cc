// What a connection costs in user space while its client is idle, slow or many, and what is given back afterwards.
//
// The resident memory of a flood of connections, less that of a proxy that has served already, divided by their number.
#include <gtest/gtest.h>

#include <vector>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr int kConnections = 2'000;
// Octets a connection: what is reached, with some room. nginx needs 527, 9,769 and 17,977.
constexpr long kIdle = 600, kSlowHead = 5'500, kSlowBody = 8'000;

class Memory : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { allow_many_descriptors(); }

  static long resident(const WeirProcess& weir) { return static_cast<long>(weir.resident()); }

  /// Opens the connections, has `act` use each, and waits until the proxy has seen them all.
  template <class Act>
  void flood(Act&& act) {
    for (int i = 0; i < kConnections; ++i) {
      held_.push_back(weir_.connect());
      act(held_.back());
    }
    settle();
  }
  /// One worker serves in order: an answer now means that what came before was looked at.
  void settle() {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(weir_.get("/").status, 200);
  }
  /// Octets per connection that `act` costs, once it is down to `wanted` or does not get there.
  template <class Act>
  long cost_of(Act&& act, long wanted) {
    settle();
    before_ = resident(weir_);
    flood(act);
    wait_until([&] { return resident(weir_) - before_ <= wanted * kConnections; }, milliseconds(5'000));
    return (resident(weir_) - before_) / kConnections;
  }
  /// Part of the flood's memory that is back after its end, in percent.
  long given_back_after_close() {
    const long full = resident(weir_), flood = std::max(full - before_, 1L);
    held_.clear();
    wait_until([&] { return full - resident(weir_) >= flood * 8 / 10; }, milliseconds(10'000));
    const long back = (full - resident(weir_)) * 100 / flood;
    std::printf("given back: %ld %%\n", back);
    return back;
  }

  FakeBackend app_ = FakeBackend::echoing("app");
  WeirProcess weir_{R"(
      client_header_timeout 60s;
      client_max_body_size 1m;
      server {
        location / { return 200 ok; }
        location /app { proxy_pass http://%app%; }
      })",
                    {{"app", app_.address()}},
                    {.events = "worker_connections 8192;", .workers = 1, .log_level = "warn"}};
  std::vector<RawClient> held_;
  long before_ = 0;
};

void report(const char* what, long octets) { std::printf("%s: %ld B a connection\n", what, octets); }

TEST_F(Memory, OfASilentConnection) {
  const long cost = cost_of([](RawClient&) {}, kIdle);
  report("silent", cost);
  EXPECT_LE(cost, kIdle);
}

TEST_F(Memory, OfAnIdleConnection) {
  const long cost = cost_of([](RawClient& client) { EXPECT_EQ(client.ask(to_wire({})).status, 200); }, kIdle);
  report("idle after a GET", cost);
  EXPECT_LE(cost, kIdle);
}

TEST_F(Memory, OfASlowHead) {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + std::string(1'000, 's');
  const long cost = cost_of([&](RawClient& client) { client.send(head); }, kSlowHead);
  report("1 kB of a head", cost);
  EXPECT_LE(cost, kSlowHead);
  EXPECT_GE(given_back_after_close(), 60);
}

TEST_F(Memory, OfASlowBody) {
  const std::string post =
      "POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(16'384, 'b');
  const long cost = cost_of([&](RawClient& client) { client.send(post); }, kSlowBody);
  report("16 kB of a body", cost);
  EXPECT_LE(cost, kSlowBody);
  EXPECT_GE(given_back_after_close(), 60);
}

}  // namespace
}  // namespace weir::test
