#include "member/native_decoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weir::discovery {
namespace {

const DecodeRules kRules{.allow = {parse_cidr("10.0.0.0/8").value()}};

std::vector<std::string> reasons(const std::vector<RejectedName>& rejected) {
  std::vector<std::string> all;
  for (const RejectedName& each : rejected) all.push_back(each.name + ": " + each.reason);
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Names, CountHowManyAreTheSameFromHereOn) {
  const Names names{"a", "bc", "", "def", "g"};
  EXPECT_EQ(names.count_same(0, names, 0), 5u);
  EXPECT_EQ(names.count_same(5, names, 5), 0u);
  EXPECT_EQ(names.count_same(1, {"new", "bc", "", "def"}, 1), 3u);
  EXPECT_EQ(names.count_same(0, {"bc", "", "def", "x", "y"}, 0), 0u);
  EXPECT_EQ(names.count_same(1, {"bc", "", "def", "x", "y"}, 0), 3u);
  EXPECT_EQ(names.count_same(0, {"a", "bd", "", "def", "g"}, 0), 1u);
  EXPECT_EQ(names.count_same(0, {"ab", "c", "", "def", "g"}, 0), 0u) << "the same text, but other names";
  EXPECT_EQ(names.count_same(0, {"a", "bc", "de", "f", "g"}, 0), 2u);
}

TEST(NativeDecoder, GivesTheSameListForTheSameNames) {
  NativeDecoder decoder(kRules);
  const auto first = decoder.decode({"10.0.0.2:80,w=3", "10.0.0.1:80"});
  const auto second = decoder.decode({"10.0.0.1:80", "10.0.0.2:80,w=3"});
  ASSERT_EQ(first.members.size(), 2u);
  EXPECT_EQ(first.members[1].weight, 3u);
  EXPECT_TRUE(second.members.shares(first.members));
}

TEST(NativeDecoder, FollowsComingGoingAndChanging) {
  NativeDecoder decoder(kRules);
  decoder.decode({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  const auto decoded = decoder.decode({"10.0.0.4:80", "10.0.0.3:80", "10.0.0.2:80,s=drain"});
  ASSERT_EQ(decoded.members.size(), 3u);
  EXPECT_EQ(decoded.members[0].address, "10.0.0.2:80");
  EXPECT_TRUE(decoded.members[0].draining);
  EXPECT_EQ(decoded.members[2].address, "10.0.0.4:80");
  EXPECT_TRUE(decoder.decode({}).members.empty());
}

// In the order of the listing before, but for those that came and went; and in quite another one.
TEST(NativeDecoder, GivesTheSameObjectsForMembersThatStay) {
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back(fmt::format("10.0.{}.1:80", i * 7919 % 256));
  NativeDecoder decoder(kRules);
  const MemberList first = decoder.decode(names).members;
  const auto expect_shared = [&](const MemberList& now, std::size_t count) {
    std::size_t shared = 0;
    for (std::size_t i = 0; i < now.size(); ++i)
      for (std::size_t j = 0; j < first.size(); ++j) shared += now.shared(i) == first.shared(j) ? 1 : 0;
    EXPECT_EQ(shared, count);
  };
  names.erase(names.begin() + 20, names.begin() + 25);
  names.insert(names.begin() + 100, {"10.1.0.1:80", "10.1.0.2:80"});
  const MemberList second = decoder.decode(names).members;
  EXPECT_EQ(second.size(), 197u);
  expect_shared(second, 195);
  std::shuffle(names.begin(), names.end(), std::mt19937(1));
  names.pop_back();
  const MemberList third = decoder.decode(names).members;
  EXPECT_EQ(third.size(), 196u);
  expect_shared(third, names.size() - (std::ranges::count(names, "10.1.0.1:80") + std::ranges::count(names, "10.1.0.2:80")));
}

TEST(NativeDecoder, ReportsAFaultEachTime) {
  NativeDecoder decoder(kRules);
  for (int i = 0; i < 3; ++i) {
    const auto decoded = decoder.decode({"10.0.0.1:80,w=x", "10.0.0.2:80", "192.0.2.1:80"});
    EXPECT_EQ(decoded.members.size(), 2u);
    EXPECT_EQ(reasons(decoded.rejected),
              (std::vector<std::string>{"10.0.0.1:80,w=x: bad weight", std::string("192.0.2.1:80: ") + kNotAllowed}));
  }
}

TEST(NativeDecoder, LeavesItToOthersWhoIsMeantIfSeveralNodesShareAnAddress) {
  NativeDecoder decoder(kRules);
  decoder.decode({"10.0.0.1:80", "10.0.0.2:80"});
  const auto decoded = decoder.decode({"10.0.0.2:80", "10.0.0.1:80", "10.0.0.1:80,i=2"});
  EXPECT_EQ(decoded.contested.children.size(), 3u);
  EXPECT_EQ(decoded.contested.contested(), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(decoder.decode({"10.0.0.2:80", "10.0.0.1:80,i=2"}).members[0].facts, "i=2");
}

// Whatever came before, a listing means what it would mean alone.
TEST(NativeDecoder, RemembersNothingThatMatters) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    NativeDecoder decoder(kRules);
    for (int step = 0; step < 20; ++step) {
      std::vector<std::string> names;
      for (int i = 0; i < 60; ++i) {
        constexpr const char* kSuffixes[] = {"", "", "", "", "", ",w=5", ",w=bad", ",s=drain", ",z=eu", ",s=nonsense"};
        if (random() % 3 == 0) continue;
        names.push_back(fmt::format("10.0.0.{}:80{}", i + 1, kSuffixes[random() % 10]));
        if (random() % 100 == 0) names.push_back(fmt::format("10.0.0.{}:80,i=other", i + 1));
      }
      if (seed % 2 == 0) std::shuffle(names.begin(), names.end(), random);
      const auto decoded = decoder.decode(names);
      DecodedDirectory alone = decode_directory(names, kRules);
      EXPECT_EQ(reasons(decoded.rejected), reasons(alone.rejected)) << seed;
      const std::vector<std::int64_t> czxids(alone.contested().size(), 1);
      ASSERT_EQ(decoded.contested.contested(), alone.contested()) << seed;
      ASSERT_EQ(alone.is_contested(), !decoded.contested.children.empty()) << seed;
      const KnownMembers expected = settle(std::move(alone), czxids);
      EXPECT_EQ(czxids.empty() ? decoded.members.values() : settle(decoded.contested, czxids), expected) << seed;
    }
  }
}

}  // namespace
}  // namespace weir::discovery
