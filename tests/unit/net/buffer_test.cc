#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

#include "net/arena.h"
#include "net/buffer_pool.h"

namespace weir::net {
namespace {

TEST(BufferPool, HandsOutTheBlockThatCameBackLast) {
  BufferPool pool;
  for (const BufferSize size : {BufferSize::k2K, BufferSize::k4K, BufferSize::k16K, BufferSize::k64K}) {
    Buffer first = pool.take(size);
    Buffer second = pool.take(size);
    EXPECT_EQ(first.size(), bytes_of(size));
    std::ranges::fill(first.span(), 'x');
    const char* const last = second.data();
    first.reset();
    second.reset();
    EXPECT_EQ(pool.take(size).data(), last);
  }
}

TEST(BufferPool, ChoosesTheSmallestSizeThatFits) {
  EXPECT_EQ(BufferPool::fitting(1), BufferSize::k2K);
  EXPECT_EQ(BufferPool::fitting(2048), BufferSize::k2K);
  EXPECT_EQ(BufferPool::fitting(2049), BufferSize::k4K);
  EXPECT_EQ(BufferPool::fitting(4096), BufferSize::k4K);
  EXPECT_EQ(BufferPool::fitting(4097), BufferSize::k16K);
  EXPECT_EQ(BufferPool::fitting(16385), BufferSize::k64K);
  EXPECT_EQ(BufferPool::fitting(1 << 30), BufferSize::k64K);
}

TEST(BufferPool, GivesMemoryBackAfterAFlood) {
  BufferPool pool;
  std::vector<Buffer> flood;
  for (int i = 0; i < 500; ++i) flood.push_back(pool.take());
  EXPECT_EQ(pool.lent(), 500u * 65536);
  flood.clear();
  EXPECT_EQ(pool.lent(), 0u);
  EXPECT_EQ(pool.kept(), std::size_t{4} << 20);
  pool.trim();
  EXPECT_EQ(pool.kept(), 0u);
}

TEST(BufferPool, KnowsWhatNobodyNeeds) {
  BufferPool pool;
  std::vector<Buffer> flood;
  for (int i = 0; i < 10; ++i) flood.push_back(pool.take(BufferSize::k4K));
  flood.clear();
  EXPECT_EQ(pool.unneeded(), 0u) << "all were lent for a while";
  for (int i = 0; i < 3; ++i) flood.push_back(pool.take(BufferSize::k4K));
  flood.clear();
  EXPECT_EQ(pool.unneeded(), 7u * 4096);
  EXPECT_EQ(pool.unneeded(), 10u * 4096);
  pool.trim();
  EXPECT_EQ(pool.unneeded(), 0u);
}

TEST(BufferPool, ABufferMovesWithItsBlock) {
  BufferPool pool;
  Buffer first = pool.take(BufferSize::k4K);
  Buffer second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(first.size(), 0u);
  EXPECT_TRUE(second);
  second = pool.take(BufferSize::k16K);
  EXPECT_EQ(pool.lent(), 16384u);
}

TEST(Arena, TakesNothingUntilItIsUsed) {
  BufferPool pool;
  Arena arena(pool);
  EXPECT_EQ(pool.lent(), 0u);
  EXPECT_EQ(arena.copy(""), "");
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(Arena, BeginsWithASmallBlock) {
  BufferPool pool;
  Arena arena(pool);
  arena.copy(std::string(1000, 'a'));
  EXPECT_EQ(pool.lent(), 2048u);
  arena.copy(std::string(1020, 'b'));
  EXPECT_EQ(pool.lent(), 2048u);
  arena.copy(std::string(1000, 'c'));
  EXPECT_EQ(pool.lent(), 2048u + 4096u);
  const std::span<char> rest = arena.take_rest();
  EXPECT_EQ(rest.size(), 4096u - 1000u - 16u);
  std::ranges::fill(rest, 'd');
  arena.copy("e");
  EXPECT_EQ(pool.lent(), 2048u + 2 * 4096u);
}

TEST(Arena, KeepsOneBlockOverAResetAndNoneOverARelease) {
  BufferPool pool;
  Arena arena(pool);
  for (int i = 0; i < 100; ++i) arena.copy(std::string(1000, 'a'));
  EXPECT_GT(pool.lent(), 90'000u);
  EXPECT_EQ(arena.used(), 100'000u);
  arena.reset();
  EXPECT_EQ(pool.lent(), 4096u);
  EXPECT_EQ(arena.used(), 0u);
  arena.copy("again");
  EXPECT_EQ(pool.lent(), 4096u);
  arena.release();
  EXPECT_EQ(pool.lent(), 0u);
  EXPECT_EQ(arena.copy("after release"), "after release");
}

TEST(Arena, KeepsContentsApartAndAligned) {
  BufferPool pool;
  Arena arena(pool);
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::pair<char*, std::size_t>> pieces;
    for (int i = 0; i < 300; ++i) {
      const std::size_t size = random() % (i % 50 == 0 ? 20'000 : 200);
      const std::size_t alignment = std::size_t{1} << random() % 8;
      auto* piece = static_cast<char*>(arena.allocate(size, alignment));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece) % alignment, 0u);
      std::fill_n(piece, size, static_cast<char>(i));
      pieces.emplace_back(piece, size);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i)
      ASSERT_TRUE(std::all_of(pieces[i].first, pieces[i].first + pieces[i].second,
                              [&](char c) { return c == static_cast<char>(i); }));
    arena.reset();
  }
}

TEST(Arena, ServesPmrContainers) {
  BufferPool pool;
  Arena arena(pool);
  std::pmr::vector<std::pmr::string> words(&arena);
  for (int i = 0; i < 1000; ++i)
    words.emplace_back("a string too long for the small string buffer " + std::to_string(i));
  EXPECT_TRUE(words.back().ends_with("999"));
}

}  // namespace
}  // namespace weir::net
