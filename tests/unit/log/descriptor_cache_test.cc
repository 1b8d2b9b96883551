#include "log/descriptor_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "temp_dir.h"

namespace weir::log {
namespace {

using std::chrono::seconds;

class DescriptorCacheTest : public testing::Test {
 protected:
  int append(const std::string& name, const DescriptorCacheOptions* options) {
    return cache_.append(dir_.file(name), name + "\n", options, now_);
  }

  TempDir dir_;
  DescriptorCache cache_;
  DescriptorCache::TimePoint now_{seconds(1000)};
};

TEST_F(DescriptorCacheTest, WithoutOptionsNothingStaysOpen) {
  EXPECT_EQ(append("a", nullptr), 0);
  EXPECT_EQ(append("a", nullptr), 0);
  EXPECT_EQ(cache_.open_files(), 0u);
  EXPECT_EQ(dir_.read("a"), "a\na\n");
  EXPECT_EQ(cache_.append(dir_.file("no/such/folder"), "x\n", nullptr, now_), ENOENT);
}

TEST_F(DescriptorCacheTest, AFileStaysOpenFromItsSecondUseIfTwoAreAskedFor) {
  const DescriptorCacheOptions options{.most = 4, .min_uses = 2};
  append("a", &options);
  EXPECT_EQ(cache_.open_files(), 0u);
  append("a", &options);
  EXPECT_EQ(cache_.open_files(), 1u);
  std::filesystem::rename(dir_.file("a"), dir_.file("b"));
  append("a", &options);
  EXPECT_EQ(dir_.read("b"), "a\na\na\n");
}

TEST_F(DescriptorCacheTest, TheLeastRecentlyUsedLeaves) {
  const DescriptorCacheOptions options{.most = 2};
  append("a", &options);
  append("b", &options);
  append("a", &options);
  append("c", &options);  // instead of b
  EXPECT_EQ(cache_.open_files(), 2u);
  std::filesystem::remove(dir_.file("a"));
  std::filesystem::remove(dir_.file("b"));
  append("a", &options);
  append("b", &options);
  EXPECT_EQ(dir_.read("a"), "");
  EXPECT_EQ(dir_.read("b"), "b\n");
}

TEST_F(DescriptorCacheTest, NamesAreLookedUpAgainAndIdleFilesLeave) {
  const DescriptorCacheOptions options{.most = 2, .inactive = seconds(30), .valid = seconds(10)};
  append("a", &options);
  std::filesystem::remove(dir_.file("a"));
  now_ += seconds(11);
  append("a", &options);
  EXPECT_EQ(dir_.read("a"), "a\n");
  now_ += seconds(31);
  append("b", nullptr);
  EXPECT_EQ(cache_.open_files(), 0u);
}

}  // namespace
}  // namespace weir::log
