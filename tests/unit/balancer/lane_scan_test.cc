#include "pickers/lane_scan.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::balancer {
namespace {

/// 64 words, few enough values for many ties, some closed; and weights.
void fill(Block& block, std::mt19937& random, std::uint32_t most_weight) {
  const std::uint32_t reasons[] = {kFull, kResting, kShut, kRetired, kRetired | kResting};
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    const std::uint32_t count = random() % 10 == 0 ? kMaxCount - random() % 3 : random() % 6;
    block.words.cells[i] = random() % 4 == 0 ? count | reasons[random() % 5] : count;
    block.weights.cells[i] = std::bit_cast<std::uint32_t>(static_cast<float>(1 + random() % most_weight));
  }
}

std::uint64_t some_lanes(std::mt19937& random) {
  const std::uint64_t lanes = std::uint64_t{random()} << 32 | random();
  switch (random() % 4) {
    case 0:
      return ~0ULL;
    case 1:
      return 1ULL << (random() % 64);
    case 2:
      return lanes & (lanes >> 7) & (lanes << 11);
    default:
      return lanes;
  }
}

/// The definition: one lane after the other.
Least slow_least(const Block& block, std::uint64_t among) {
  Least least{kNoLoad, 0};
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    const std::uint32_t word = block.words.cells[i];
    if ((among >> i & 1) == 0 || (word & kClosed) != 0) continue;
    const Load load = load_of(word, block.weight(i));
    if (load < least.value) least = {load, 0};
    if (load == least.value) least.where |= 1ULL << i;
  }
  return least;
}

TEST(LaneScan, FindsTheLeastLoadedOpenLanes) {
  std::mt19937 random(5);
  Block block;
  for (int round = 0; round < 20'000; ++round) {
    fill(block, random, 1 + random() % 50);
    const std::uint64_t among = some_lanes(random);
    const Least expected = slow_least(block, among);
    const Least found = least_load(block, among);
    ASSERT_EQ(found.value, expected.value) << "round " << round;
    ASSERT_EQ(found.where, expected.where) << "round " << round;
  }
}

TEST(LaneScan, FindsTheRunnerUpOfOneThatIsAlone) {
  std::mt19937 random(6);
  Block block;
  for (int round = 0; round < 20'000; ++round) {
    const std::uint32_t most_weight = 1 + random() % 50;
    fill(block, random, most_weight);
    const std::uint64_t among = some_lanes(random);
    const Least first = slow_least(block, among);
    const Load second = is_alone(first.where) ? slow_least(block, among & ~first.where).value : first.value;
    const LeastTwo found = least_two_loads(block, among);
    ASSERT_EQ(found.value, first.value) << "round " << round;
    ASSERT_EQ(found.where, first.where) << "round " << round;
    ASSERT_EQ(found.second, second) << "round " << round;
    if (most_weight != 1) continue;
    const LeastTwo same = least_two_loads(block, among, 1.0F);
    ASSERT_EQ(same.where, first.where) << "round " << round;
    ASSERT_EQ(same.second, second) << "round " << round;
  }
}

TEST(LaneScan, CountsTheClaimsOfTheOpenLanes) {
  std::mt19937 random(9);
  Block block;
  for (int round = 0; round < 20'000; ++round) {
    fill(block, random, 1);
    const std::uint64_t among = round == 0 ? 0 : some_lanes(random);
    OpenClaims expected{0, 0};
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      const std::uint32_t word = block.words.cells[i];
      if ((among >> i & 1) == 0 || (word & kClosed) != 0) continue;
      expected.lanes |= 1ULL << i;
      expected.claims += word;
    }
    const OpenClaims found = open_claims(block, among);
    ASSERT_EQ(found.lanes, expected.lanes) << "round " << round;
    ASSERT_EQ(found.claims, expected.claims) << "round " << round;
    ASSERT_EQ(open_lanes(block, among), expected.lanes) << "round " << round;
  }
}

TEST(LaneScan, TellsWhetherALoadIsBelow) {
  std::mt19937 random(8);
  Block block;
  for (int round = 0; round < 20'000; ++round) {
    const std::uint32_t most_weight = 1 + random() % 50;
    fill(block, random, most_weight);
    const std::uint64_t among = some_lanes(random);
    // The load of some lane, as the floors that are raised are.
    const Load load = random() % 20 == 0 ? kNoLoad : load_of(random() % 6, static_cast<float>(1 + random() % most_weight));
    const bool is_below = slow_least(block, among).value < load;
    ASSERT_EQ(any_below(block, among, load, 0), is_below) << "round " << round;
    if (most_weight != 1) continue;
    ASSERT_EQ(any_below(block, among, load, 1), is_below) << "round " << round;
  }
}

TEST(LaneScan, FindsTheSameKnowingTheCommonWeight) {
  std::mt19937 random(6);
  Block block;
  for (int round = 0; round < 20'000; ++round) {
    fill(block, random, 1);
    const std::uint64_t among = some_lanes(random);
    const Least expected = slow_least(block, among);
    const Least found = least_load(block, among, 1.0F);
    ASSERT_EQ(found.value, expected.value) << "round " << round;
    ASSERT_EQ(found.where, expected.where) << "round " << round;
  }
}

TEST(LaneScan, FindsNobodyWhenAllAreClosedOrNoneIsAsked) {
  Block block;
  EXPECT_EQ(least_load(block, 0).value, kNoLoad);
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    block.words.cells[i] = kResting;
    block.weights.cells[i] = std::bit_cast<std::uint32_t>(1.0F);
  }
  for (const Least& least : {least_load(block, ~0ULL), least_load(block, ~0ULL, 1.0F)}) {
    EXPECT_EQ(least.value, kNoLoad);
    EXPECT_EQ(least.where, 0U);
  }
  EXPECT_EQ(open_lanes(block, ~0ULL), 0U);
  block.words.cells[7] = kMaxCount;
  EXPECT_EQ(open_lanes(block, ~0ULL), 1ULL << 7);
  EXPECT_EQ(least_load(block, ~0ULL).where, 1ULL << 7);
}

TEST(LaneScan, TellsLoadsApartThatDifferByLittle) {
  Block block;
  std::mt19937 random(8);
  for (int round = 0; round < 1000; ++round) {
    fill(block, random, 1);
    // 1000/999 and 1001/1000 differ by one in a million.
    block.words.cells[3] = 1000;
    block.weights.cells[3] = std::bit_cast<std::uint32_t>(999.0F);
    block.words.cells[40] = 1001;
    block.weights.cells[40] = std::bit_cast<std::uint32_t>(1000.0F);
    EXPECT_EQ(least_load(block, 1ULL << 3 | 1ULL << 40).where, 1ULL << 40);
  }
}

}  // namespace
}  // namespace weir::balancer
