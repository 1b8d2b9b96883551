#include "shared/cidr.h"

#include <gtest/gtest.h>

namespace weir::shared {
namespace {

bool contains(const char* network, const char* address) {
  return Network::parse(network).value().contains(net::Endpoint::parse(address).value());
}

TEST(Network, ComparesAsManyBitsAsThePrefixHas) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.2:80"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0:80"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.129:1"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127:1"));
  EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1:1"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.2:1"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9:1"));
  EXPECT_TRUE(contains("10.0.0.0/255.255.0.0", "10.0.9.9:1"));
  EXPECT_FALSE(contains("10.0.0.0/255.255.0.0", "10.1.0.0:1"));
  EXPECT_TRUE(contains("2001:db8::/33", "[2001:db8:7fff::1]:1"));
  EXPECT_FALSE(contains("2001:db8::/33", "[2001:db8:8000::1]:1"));
}

TEST(Network, KeepsFamiliesApartButForMappedAddresses) {
  EXPECT_FALSE(contains("0.0.0.0/0", "[::1]:1"));
  EXPECT_FALSE(contains("::/0", "192.0.2.1:1"));
  EXPECT_TRUE(contains("192.0.2.0/24", "[::ffff:192.0.2.1]:1"));
  EXPECT_TRUE(contains("unix:", "unix:/run/x"));
  EXPECT_FALSE(contains("unix:", "192.0.2.1:1"));
  EXPECT_TRUE(contains("all", "unix:/run/x"));
  EXPECT_TRUE(contains("all", "[::1]:1"));
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text : {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.0/255.0.255.0",
                           "localhost", "10.0.0.0/8/8"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

TEST(Network, TellsOfBitsThatHaveNoMeaning) {
  bool loose = true;
  ASSERT_TRUE(Network::parse("10.0.0.0/8", &loose));
  EXPECT_FALSE(loose);
  ASSERT_TRUE(Network::parse("10.0.0.1/8", &loose));
  EXPECT_TRUE(loose);
}

}  // namespace
}  // namespace weir::shared
