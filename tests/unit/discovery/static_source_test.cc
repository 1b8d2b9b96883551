#include <weir/discovery/static_source.h>

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

TEST(StaticSource, AnnouncesOnceSortedAndEachAddressOnce) {
  balancer::Member b, a, again;
  b.address = again.address = "b";
  a.address = "a";
  again.weight = 9;
  StaticSource source({b, a, again});
  std::vector<balancer::Members> announced;
  source.start([&](balancer::Members members) { announced.push_back(std::move(members)); });
  source.stop();
  ASSERT_EQ(announced.size(), 1u);
  EXPECT_EQ(announced[0], (std::vector{a, b}));
}

}  // namespace
}  // namespace weir::discovery
