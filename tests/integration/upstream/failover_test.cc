// Backends that die, freeze and come back under load: real processes, kill -9.
#include <gtest/gtest.h>

#include "support/backend_process.h"
#include "support/load_generator.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++times;
  return times;
}

class Failover : public ::testing::Test {
 protected:
  BackendProcess a_{"a"}, b_{"b"}, c_{"c"};
  Values values(Values more = {}) const {
    more.insert({{"a", a_.address()}, {"b", b_.address()}, {"c", c_.address()}});
    return more;
  }
};

constexpr const char* kThree = R"(
    upstream group { least_conn; server %a% fail_timeout=1s; server %b% fail_timeout=1s; server %c% fail_timeout=1s; }
    server { location / { proxy_pass http://group; proxy_read_timeout 1s; } })";

TEST_F(Failover, KillingOneOfThreeUnderLoadLosesNoRequest) {
  WeirProcess weir(kThree, values(), {.workers = testing_nginx() ? 1 : 2});  // nginx: each worker has its own marks
  LoadGenerator load(weir.address(), {.threads = 8});
  for (BackendProcess* victim : {&a_, &b_, &c_}) {
    ASSERT_TRUE(load.wait_for(200));
    victim->kill();
    ASSERT_TRUE(load.wait_for(200));
    victim->start();
    // Traffic has to return to it before the next one dies.
    EXPECT_TRUE(wait_until([&] { return weir.get("/?x").field("X-Backend") == victim->name(); }));
  }
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u) << result.summary();
}

TEST_F(Failover, BackendsKilledWhileIdleInTurnLoseNoRequest) {
  WEIR_ONLY("nginx marks all three as down for fail_timeout");
  WeirProcess weir(R"(
      upstream group { least_conn; server %a%; server %b%; server %c%; }
      server { location / { proxy_pass http://group; } })",
                   values());
  for (int round = 0; round < 2; ++round) {
    for (BackendProcess* victim : {&a_, &b_, &c_}) {
      LoadGenerator load(weir.address(), {.threads = 4});
      EXPECT_TRUE(load.wait_for(100));
      const LoadResult result = load.finish();
      EXPECT_EQ(result.failed, 0u) << result.summary();
      victim->kill();
      victim->start();
    }
  }
  EXPECT_EQ(weir.get("/").status, 200);
}

TEST_F(Failover, ThatAllServersAreMarkedIsLoggedOnceAndSoIsItsEnd) {
  WEIR_ONLY("nginx says nothing, and uses none of them");
  WeirProcess weir(kThree, values());
  for (BackendProcess* victim : {&a_, &b_, &c_}) victim->kill();
  const std::string begins = "upstream \"group\": all servers are marked failed, so all of them are used";
  const std::string ends = "upstream \"group\": not all servers are marked failed any more";
  for (int i = 0; i < 6; ++i) EXPECT_EQ(weir.get("/").status, 502);
  EXPECT_TRUE(weir.logs(begins));
  EXPECT_EQ(count(weir.error_log(), ends), 0u);
  for (BackendProcess* victim : {&a_, &b_, &c_}) victim->start();
  EXPECT_TRUE(wait_until([&] { return weir.get("/").status == 200 && count(weir.error_log(), ends) == 1; }));
  EXPECT_EQ(count(weir.error_log(), begins), 1u);
}

TEST_F(Failover, AllPrimariesKilledUnderLoadAreReplacedByTheBackup) {
  BackendProcess spare("spare");
  WeirProcess weir(R"(
      upstream group { server %a% fail_timeout=1s; server %b% fail_timeout=1s; server %c% fail_timeout=1s; server %spare% backup; }
      server { location / { proxy_pass http://group; } })",
                   values({{"spare", spare.address()}}));
  LoadGenerator load(weir.address(), {.threads = 4});
  ASSERT_TRUE(load.wait_for(100));
  for (BackendProcess* victim : {&a_, &b_, &c_}) victim->kill();
  ASSERT_TRUE(load.wait_for(300));
  EXPECT_EQ(weir.get("/").field("X-Backend"), "spare");
  for (BackendProcess* victim : {&a_, &b_, &c_}) victim->start();
  EXPECT_TRUE(wait_until([&] { return weir.get("/").field("X-Backend") != "spare"; }));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u);
}

TEST_F(Failover, NothingLeftIs502AndEndsWithTheFirstBackendThatReturns) {
  WeirProcess weir(kThree, values());
  for (BackendProcess* victim : {&a_, &b_, &c_}) victim->kill();
  const HttpResponse response = weir.get("/");
  EXPECT_EQ(response.status, 502);
  EXPECT_TRUE(weir.logs("connect() failed (111: Connection refused) while connecting to upstream"));
  b_.start();
  EXPECT_TRUE(wait_until([&] { return weir.get("/").status == 200; }));
}

TEST_F(Failover, AFrozenBackendDelaysButLosesNoRequest) {
  WeirProcess weir(kThree, values());
  LoadGenerator load(weir.address(), {.threads = 6});
  ASSERT_TRUE(load.wait_for(200));
  a_.freeze();
  ASSERT_TRUE(load.wait_for(600));
  a_.thaw();
  ASSERT_TRUE(load.wait_for(100));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_EQ(result.crossed, 0u) << result.summary();
  EXPECT_LT(result.slowest, milliseconds(8'000)) << result.summary();
}

TEST_F(Failover, PostsUnderKillAreNeverRunTwice) {
  WeirProcess weir(kThree, values());
  LoadGenerator load(weir.address(), {.threads = 4, .method = "POST", .body = "once"});
  ASSERT_TRUE(load.wait_for(200));
  a_.kill();
  ASSERT_TRUE(load.wait_for(200));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.crossed, 0u) << result.summary();
  // Only what was in flight at the victim may be lost: one request of each thread.
  EXPECT_LE(result.failed, 4u) << result.summary();
}

}  // namespace
}  // namespace weir::test
