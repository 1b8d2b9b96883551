#include "pickers/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <thread>

namespace weir::balancer {
namespace {

/// Smooth weighted round robin as its definition says, one step at a time.
class Definition {
 public:
  explicit Definition(std::vector<std::uint32_t> weights) : weights_(std::move(weights)), current_(weights_.size()) {}

  std::size_t next() {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      current_[i] += weights_[i];
      total += weights_[i];
    }
    const auto best = std::max_element(current_.begin(), current_.end());
    *best -= total;
    return static_cast<std::size_t>(best - current_.begin());
  }

 private:
  std::vector<std::uint32_t> weights_;
  std::vector<std::int64_t> current_;
};

/// Turns for items 0, 1, 2, … with these weights.
Turns turns_for(const std::vector<std::uint32_t>& weights, std::uint64_t taken = 0) {
  std::vector<Turns::Item> items;
  for (std::size_t i = 0; i < weights.size(); ++i) items.push_back({i, weights[i]});
  return Turns(items, items.size(), taken);
}

std::uint64_t all_of(std::size_t count) {
  return count == 64 ? ~0ULL : (1ULL << count) - 1;
}

std::size_t take_next(Turns& turns, std::uint64_t candidates) {
  const Turns::Turn turn = turns.first(0, candidates);
  EXPECT_TRUE(turns.take(turn));
  return turn.item;
}

std::string sequence(Turns& turns, std::uint64_t candidates, int count) {
  std::string items;
  for (int i = 0; i < count; ++i) items += static_cast<char>('a' + take_next(turns, candidates));
  return items;
}

/// Any subset, of any part of a list: as when each candidate is asked by itself.
TEST(Turns, TheFirstOfMany) {
  std::mt19937 random(7);
  for (const std::uint32_t most_weight : {1U, 5U, 500U, 50'000U}) {  // equals, nginx's cycle, an even one, none
    std::vector<std::uint32_t> weights(150);
    for (std::uint32_t& weight : weights) weight = 1 + random() % most_weight;
    Turns turns = turns_for(weights);
    for (int i = 0; i < 20'000; ++i) {
      const std::size_t base = random() % 3 * 64;
      const std::uint64_t in_part = all_of(std::min<std::size_t>(64, weights.size() - base));
      const std::uint64_t some = random() | std::uint64_t{random()} << 32;
      const std::uint64_t candidates = in_part & (i % 2 == 0 ? some : some & (some >> 7) & (some >> 13));
      if (candidates == 0) continue;
      Turns::Turn least{0, ~0ULL};
      for (std::size_t lane = 0; lane < 64; ++lane) {
        if ((candidates >> lane & 1) == 0) continue;
        const Turns::Turn turn = turns.first(base, 1ULL << lane);
        if (turn.at < least.at) least = turn;
      }
      const Turns::Turn first = turns.first(base, candidates);
      ASSERT_EQ(first.item, least.item);
      ASSERT_EQ(first.at, least.at);
      ASSERT_TRUE(turns.take(first));
    }
  }
}

TEST(Turns, FollowTheKnownSmoothSequence) {
  Turns turns = turns_for({5, 1, 1});
  EXPECT_EQ(sequence(turns, 0b111, 14), "aabacaaaabacaa");
}

TEST(Turns, AreTheDefinitionsSequenceForAnyWeights) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> weights(1 + random() % 20);
    const std::uint32_t largest = 1 + random() % 30;
    for (std::uint32_t& weight : weights) weight = 1 + random() % largest;
    Definition definition(weights);
    Turns turns = turns_for(weights);
    for (int i = 0; i < 1500; ++i) {
      ASSERT_EQ(take_next(turns, all_of(weights.size())), definition.next()) << "round " << round << " turn " << i;
    }
  }
}

TEST(Turns, GoOnWhereTheListBeforeWas) {
  const std::vector<std::uint32_t> weights{3, 1, 2, 7};
  for (std::uint64_t taken = 0; taken < 40; ++taken) {
    Definition definition(weights);
    for (std::uint64_t i = 0; i < taken; ++i) definition.next();
    Turns turns = turns_for(weights, taken);
    for (int i = 0; i < 40; ++i) ASSERT_EQ(take_next(turns, 0b1111), definition.next()) << taken << " taken";
  }
}

TEST(Turns, StayInProportionAmongWhoeverIsLeft) {
  Turns turns = turns_for({5, 1, 1});
  std::vector<int> counts(3);
  for (int i = 0; i < 600; ++i) ++counts[take_next(turns, 0b011)];
  EXPECT_EQ(counts, (std::vector<int>{500, 100, 0}));
}

TEST(Turns, GiveNoBurstToWhoWasAway) {
  Turns turns = turns_for({1, 1, 1});
  sequence(turns, 0b101, 1000);
  const std::string after = sequence(turns, 0b111, 30);
  EXPECT_EQ(after.find("bb"), std::string::npos) << after;
  EXPECT_LE(std::count(after.begin(), after.end(), 'b'), 11) << after;
  EXPECT_GE(std::count(after.begin(), after.end(), 'b'), 10) << after;
}

TEST(Turns, AreEvenlySpacedWhenWeightsAreTooLargeForACycle) {
  const std::vector<std::uint32_t> weights{1'000'000, 999'999, 500'001, 1};
  Turns turns = turns_for(weights);
  std::vector<int> counts(4);
  std::vector<std::size_t> items;
  for (int i = 0; i < 250'000; ++i) {
    items.push_back(take_next(turns, 0b1111));
    ++counts[items.back()];
  }
  EXPECT_NEAR(counts[0], 100'000, 50);
  EXPECT_NEAR(counts[1], 100'000, 50);
  EXPECT_NEAR(counts[2], 50'000, 50);
  EXPECT_LE(counts[3], 1);
  for (std::size_t i = 5; i < items.size(); ++i) {  // smooth: nobody has three in a row
    ASSERT_FALSE(items[i] == items[i - 1] && items[i] == items[i - 2]) << i;
  }
}

TEST(Turns, AreExactInALongCycleAndAlwaysKnowWhoIsDue) {
  std::mt19937 random(11);
  std::vector<std::uint32_t> weights(200);
  for (std::uint32_t& weight : weights) weight = 100 + random() % 200;
  const int total = std::accumulate(weights.begin(), weights.end(), 0);
  Turns turns = turns_for(weights);
  std::vector<std::uint32_t> counts(weights.size());
  std::vector<int> last(weights.size(), 0);
  for (int i = 0; i < total; ++i) {
    const std::optional<Turns::Turn> due = turns.due();
    ASSERT_TRUE(due) << i;
    ASSERT_TRUE(turns.take(*due));
    if (counts[due->item]++ != 0) {  // smooth: no gap is far from the usual one
      const int usual = total / static_cast<int>(weights[due->item]);
      ASSERT_NEAR(i - last[due->item], usual, usual) << due->item;
    }
    last[due->item] = i;
  }
  EXPECT_EQ(counts, weights);
}

TEST(Turns, GoOnAlsoWhenEvenlySpaced) {
  const std::vector<std::uint32_t> weights{1'000'000, 999'999, 500'001};
  Turns turns = turns_for(weights, 1'234'567);
  std::vector<int> counts(3);
  for (int i = 0; i < 25'000; ++i) ++counts[take_next(turns, 0b111)];
  EXPECT_NEAR(counts[0], 10'000, 20);
  EXPECT_NEAR(counts[2], 5'000, 20);
}

TEST(Turns, GoInTheOrderOfTheListWhateverTheNumbers) {
  Turns turns(std::vector<Turns::Item>{{3, 1}, {1, 1}, {2, 1}}, 4, 0);
  EXPECT_EQ(sequence(turns, 0b1110, 6), "dbcdbc");
}

TEST(Turns, AreTakenOnceEachByAllThreads) {
  const std::vector<std::uint32_t> weights{7, 3, 5, 1};
  Turns turns = turns_for(weights);
  constexpr int kRounds = 2000;
  std::vector<std::vector<int>> counts(4, std::vector<int>(4));
  std::vector<std::thread> threads;
  for (auto& mine : counts) {
    threads.emplace_back([&turns, &mine] {
      for (int i = 0; i < 4 * kRounds;) {
        const Turns::Turn turn = turns.first(0, 0b1111);
        if (!turns.take(turn)) continue;
        ++mine[turn.item];
        ++i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t item = 0; item < 4; ++item) {
    int sum = 0;
    for (const auto& mine : counts) sum += mine[item];
    EXPECT_EQ(sum, kRounds * static_cast<int>(weights[item]));
  }
}

}  // namespace
}  // namespace weir::balancer
