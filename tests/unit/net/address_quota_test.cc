#include "net/address_quota.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace weir::net {
namespace {

using Outcome = AddressQuota::Outcome;

Endpoint at(const std::string& text) { return *Endpoint::parse(text); }

TEST(AddressQuota, EachClientHasItsShareWhateverItsPort) {
  AddressQuota quota;
  const AddressQuota::Limits limits{5, 2};
  EXPECT_EQ(quota.take(at("1.1.1.1:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("1.1.1.1:2"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("1.1.1.1:3"), limits), Outcome::FullForClient);
  EXPECT_EQ(quota.take(at("1.1.1.2:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.count(), 3u);
  quota.give_back(at("1.1.1.1:1"));
  EXPECT_EQ(quota.take(at("1.1.1.1:3"), limits), Outcome::Taken);
}

TEST(AddressQuota, ANetworkOfIpV6IsOneClient) {
  AddressQuota quota;
  const AddressQuota::Limits limits{5, 1};
  EXPECT_EQ(quota.take(at("[2001:db8::1]:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("[2001:db8::ffff:2]:1"), limits), Outcome::FullForClient);
  EXPECT_EQ(quota.take(at("[2001:db8:0:1::1]:1"), limits), Outcome::Taken);
}

TEST(AddressQuota, Ipv4ClientsOfASocketForBothAreToldApart) {
  AddressQuota quota;
  const AddressQuota::Limits limits{5, 1};
  EXPECT_EQ(quota.take(at("[::ffff:1.1.1.1]:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("[::ffff:1.1.1.2]:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("1.1.1.1:9"), limits), Outcome::FullForClient);
}

TEST(AddressQuota, AllTogetherHaveALimitToo) {
  AddressQuota quota;
  const AddressQuota::Limits limits{2, 2};
  EXPECT_EQ(quota.take(at("1.1.1.1:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("1.1.1.2:1"), limits), Outcome::Taken);
  EXPECT_EQ(quota.take(at("1.1.1.3:1"), limits), Outcome::FullForAll);
  quota.give_back(at("1.1.1.1:1"));
  EXPECT_EQ(quota.take(at("1.1.1.3:1"), limits), Outcome::Taken);
}

TEST(AddressQuota, ThreadsNeverGoBeyondIt) {
  AddressQuota quota;
  const AddressQuota::Limits limits{1000, 7};
  std::atomic<unsigned> taken{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (quota.take(at("1.1.1.1:1"), limits) != Outcome::Taken) continue;
        EXPECT_LE(++taken, 7u);
        --taken;
        quota.give_back(at("1.1.1.1:1"));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(quota.count(), 0u);
}

TEST(FlowKey, TellsEachPartApart) {
  const FlowKey one{AddressKey(at("1.1.1.1:1")), {}};
  EXPECT_EQ(one, (FlowKey{AddressKey(at("1.1.1.1:1")), {}}));
  EXPECT_NE(one, (FlowKey{AddressKey(at("1.1.1.1:2")), {}}));
  EXPECT_NE(one, (FlowKey{AddressKey(at("1.1.1.2:1")), {}}));
  EXPECT_NE(one, (FlowKey{AddressKey(at("1.1.1.1:1")), AddressKey(at("9.9.9.9:0"))}));
  EXPECT_NE(AddressKey(at("[::101:101]:1")), AddressKey(at("1.1.1.1:1")));
  std::set<std::size_t> hashes;
  for (int port = 1; port < 1000; ++port)
    hashes.insert(AddressHash{}(FlowKey{AddressKey(at("1.1.1.1:" + std::to_string(port))), {}}) & 0xffff);
  EXPECT_GT(hashes.size(), 900u);
}

}  // namespace
}  // namespace weir::net
