#include "http/uri.h"

#include <gtest/gtest.h>

#include "http/path_readings.h"

namespace weir::http {
namespace {

class NormalisePath : public testing::Test {
 protected:
  std::optional<std::string> of(std::string_view path, bool merge = true) {
    const auto result = normalise_path(path, merge, memory_);
    if (!result) return std::nullopt;
    return std::string(*result);
  }

  net::BufferPool pool_;
  net::Arena memory_{pool_};
};

TEST_F(NormalisePath, LeavesPlainPathsWhereTheyAre) {
  const std::string_view path = "/a/b.c/d-e_f~g;h=1,2";
  EXPECT_EQ(normalise_path(path, true, memory_)->data(), path.data());
}

TEST_F(NormalisePath, RemovesDotSegments) {
  EXPECT_EQ(of("/a/./b"), "/a/b");
  EXPECT_EQ(of("/a/../b"), "/b");
  EXPECT_EQ(of("/a/b/.."), "/a/");
  EXPECT_EQ(of("/a/b/."), "/a/b/");
  EXPECT_EQ(of("/a/b/../../c/"), "/c/");
  EXPECT_EQ(of("/."), "/");
  EXPECT_EQ(of("/a/..."), "/a/...");
  EXPECT_EQ(of("/.hidden"), "/.hidden");
}

TEST_F(NormalisePath, SeesDotsAndSlashesThroughTheirEscapes) {
  EXPECT_EQ(of("/a/%2e%2e/b"), "/b");
  EXPECT_EQ(of("/a/.%2E/b"), "/b");
  EXPECT_EQ(of("/a%2f..%2Fb"), "/b");
  EXPECT_EQ(of("/%61%62"), "/ab");
}

TEST_F(NormalisePath, DecodesOnlyOnce) { EXPECT_EQ(of("/%252e%252e/x"), "/%2e%2e/x"); }

TEST_F(NormalisePath, MergesSlashesIfAsked) {
  EXPECT_EQ(of("//a///b//"), "/a/b/");
  EXPECT_EQ(of("//a///b//", false), "//a///b//");
  EXPECT_EQ(of("/a%2f%2fb"), "/a/b");
}

TEST_F(NormalisePath, RefusesWhatLeavesTheRootOrIsBroken) {
  for (const char* path : {"/..", "/../a", "/a/../..", "/%2e%2e/", "/a%", "/a%2", "/a%zz", "/a%00b", "", "a"})
    EXPECT_EQ(of(path), std::nullopt) << path;
}

TEST_F(NormalisePath, MayClimbThroughAnEmptySegmentThatIsKept) { EXPECT_EQ(of("/a//../b", false), "/a/b"); }

TEST(Escape, WritesWhatAPathMayNotContain) {
  net::BufferPool pool;
  net::Arena memory(pool);
  EXPECT_EQ(escape("/a b%?#\x01\xff", EscapeFor::Path, memory), "/a%20b%25%3F%23%01%FF");
  EXPECT_EQ(escape("a&b=c/d", EscapeFor::Argument, memory), "a%26b%3Dc%2Fd");
  const std::string_view plain = "/plain";
  EXPECT_EQ(escape(plain, EscapeFor::Path, memory).data(), plain.data());
}

/// Whether a path that leads past a rule for /admin may be passed on.
bool may_pass(std::string_view path, bool merge) {
  net::BufferPool pool;
  net::Arena memory(pool);
  const auto normal = normalise_path(path, merge, memory);
  static const int kAdmin = 0, kOther = 0;
  return normal && judge_path(path, *normal, [](std::string_view text) -> const void* {
    return text.starts_with("/admin") ? &kAdmin : &kOther;
  }, memory).refused.empty();
}

TEST(JudgePath, RefusesDotsThatGoBackOverAnEmptySegmentForSomeOnly) {
  EXPECT_FALSE(may_pass("/x//../admin", false));  // who merges slashes comes to /admin
  EXPECT_FALSE(may_pass("/x//../admin", true));   // who keeps them, to /x/admin
  EXPECT_TRUE(may_pass("/x//../other", false));
  EXPECT_TRUE(may_pass("/x//other", false));
  EXPECT_TRUE(may_pass("/x/../other%20name", false));
}

}  // namespace
}  // namespace weir::http
