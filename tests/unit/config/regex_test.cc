#include "config/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "config/directive.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

TEST(Regex, SearchesAnywhereInTheSubject) {
  const Regex regex = Regex::compile("\\.php$");
  EXPECT_TRUE(regex.matches("/index.php"));
  EXPECT_FALSE(regex.matches("/index.php5"));
  EXPECT_FALSE(regex.matches("/index.PHP"));
  EXPECT_TRUE(Regex::compile("\\.php$", Regex::Case::Insensitive).matches("/index.PHP"));
}

TEST(Regex, FillsCapturesAndLeavesUnusedGroupsNull) {
  const Regex regex = Regex::compile("^/(a)?(b)?(.*)$");
  std::string_view captures[6];
  captures[5] = "stale";
  const std::string_view subject = "/bcd";
  ASSERT_EQ(regex.search(subject, captures), Regex::Outcome::Yes);
  EXPECT_THAT(captures, ElementsAre("/bcd", "", "b", "cd", "", ""));
  EXPECT_EQ(captures[1].data(), nullptr);
  EXPECT_EQ(captures[2].data(), subject.data() + 1);
  EXPECT_EQ(captures[5].data(), nullptr);
}

TEST(Regex, FewerCapturesThanGroupsMayBeAskedFor) {
  std::string_view whole[1];
  ASSERT_EQ(Regex::compile("(a)(b)(c)").search("xabcx", whole), Regex::Outcome::Yes);
  EXPECT_EQ(whole[0], "abc");
}

TEST(Regex, KnowsItsNamedGroups) {
  const Regex regex = Regex::compile("^(?<first>\\w+)-(\\d+)-(?P<last>\\w+)$");
  EXPECT_EQ(regex.groups(), 3u);
  ASSERT_EQ(regex.names().size(), 2u);
  EXPECT_EQ(regex.names()[0].name, "first");
  EXPECT_EQ(regex.names()[0].group, 1u);
  EXPECT_EQ(regex.names()[1].name, "last");
  EXPECT_EQ(regex.names()[1].group, 3u);
}

TEST(Regex, ReportsInvalidPatternsAsNginxDoes) {
  try {
    Regex::compile("a(b");
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "pcre2_compile() failed: missing closing parenthesis in \"a(b\"");
  }
  try {
    Regex::compile("a)b");
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "pcre2_compile() failed: unmatched closing parenthesis in \"a)b\" at \")b\"");
  }
}

TEST(Regex, GivesUpOnPatternsThatBacktrackWithoutEnd) {
  const std::string subject = std::string(200, 'a') + "!";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Regex::compile("^(a+)+$").search(subject), Regex::Outcome::Failed);
  EXPECT_EQ(Regex::compile("^(a|aa)+$").search(subject), Regex::Outcome::Failed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(Regex::compile("^(a+)+!$").matches(subject)) << "the thread's memory must serve the next match";
}

TEST(Regex, LongSubjectsWithinTheLimitsMatch) {
  EXPECT_TRUE(Regex::compile("^/(.*)/([^/]*)\\.html$").matches("/" + std::string(8000, 'x') + "/y.html"));
}

TEST(Regex, ManyGroupsFitAfterFewGroups) {
  EXPECT_TRUE(Regex::compile("a").matches("a"));
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "(a?)";
  std::string_view captures[101];
  EXPECT_EQ(Regex::compile(pattern).search(std::string_view("aaa"), captures), Regex::Outcome::Yes);
  EXPECT_EQ(captures[3], "a");
}

TEST(Regex, TakesEmptyAndNullSubjectsAndNuls) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(Regex::compile("^$").matches(""));
  EXPECT_TRUE(Regex::compile("^$").matches(std::string_view()));
  EXPECT_TRUE(Regex::compile("b$").matches("a\0b"sv));
}

TEST(Regex, AMalformedSubjectOfAUtfPatternFails) {
  const Regex regex = Regex::compile("(*UTF8)^.$");
  EXPECT_TRUE(regex.matches("\xc3\xa9"));
  EXPECT_EQ(regex.search("\xff\xff"), Regex::Outcome::Failed);
}

TEST(Regex, ADefaultOneMatchesNothing) {
  EXPECT_FALSE(Regex().matches(""));
  EXPECT_FALSE(Regex());
  EXPECT_EQ(Regex().groups(), 0u);
  EXPECT_EQ(Regex().pattern(), "");
}

TEST(Regex, ThreadsShareOne) {
  const Regex regex = Regex::compile("^/(\\d+)$");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&regex, &wrong, t] {
      const std::string number = std::to_string(1000 + t), subject = "/" + number;
      for (int i = 0; i < 2000; ++i) {
        std::string_view captures[2];
        if (regex.search(subject, captures) != Regex::Outcome::Yes || captures[1] != number) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace weir::config
