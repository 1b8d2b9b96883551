#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

TEST(Backend, HasAnIdNoOtherHas) {
  std::set<std::uint64_t> ids;
  for (int round = 0; round < 3; ++round) {
    TestUpstream app("least_conn", {{.address = "a"}, {.address = "b"}});
    ids.insert(app.backend("a")->id());
    ids.insert(app.backend("b")->id());
  }
  EXPECT_EQ(ids.size(), 6U);
}

TEST(Backend, IsCalledByItsAddressUnlessItHasAName) {
  TestUpstream app("least_conn", {{.address = "a"}, {.address = "b", .name = "backend.example.com"}});
  EXPECT_EQ(app.backend("a")->member().name, "a");
  EXPECT_EQ(app.backend("b")->member().name, "backend.example.com");
}

TEST(Backend, ToleratesAbsurdSettings) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  TestUpstream app("least_conn", {{.address = "a",
                                   .weight = kMost,
                                   .max_fails = kMost,
                                   .fail_timeout = std::chrono::milliseconds::max(),
                                   .max_conns = kMost},
                                  {.address = "b", .fail_timeout = std::chrono::milliseconds::min()}});
  EXPECT_EQ(app.backend("a")->weight(), kMaxWeight);
  for (int i = 0; i < 100; ++i) {
    std::optional<Lease> lease = app.acquire();
    ASSERT_TRUE(lease);
    lease->failed(app.now);
    lease->succeeded(app.now);
  }
}

TEST(Lease, CountsFromThePickUntilItEnds) {
  TestUpstream app("least_conn", {{.address = "a"}});
  std::optional<Lease> lease = app.acquire();
  EXPECT_EQ(app.backend("a")->active(), 1U);
  Lease moved = std::move(*lease);
  lease.reset();
  EXPECT_EQ(app.backend("a")->active(), 1U);
  moved = *app.acquire();  // ends the first
  EXPECT_EQ(app.backend("a")->active(), 1U);
  { const Lease ended = std::move(moved); }
  EXPECT_EQ(app.backend("a")->active(), 0U);
  EXPECT_EQ(app.backend("a")->requests(), 2U);
}

TEST(Tried, HoldsMoreThanEight) {
  TestUpstream app("least_conn", numbered(30));
  Tried tried;
  const std::shared_ptr<const Snapshot> snapshot = app.upstream->snapshot();
  for (std::size_t i = 0; i < 30; i += 2) {
    tried.add(snapshot->primaries()[i]);
    tried.add(snapshot->primaries()[i]);
  }
  EXPECT_EQ(tried.size(), 15U);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(tried.contains(snapshot->primaries()[i]), i % 2 == 0);
  tried.clear();
  EXPECT_TRUE(tried.empty());
  EXPECT_FALSE(tried.contains(snapshot->primaries()[0]));
}

}  // namespace
}  // namespace weir::balancer::testing
