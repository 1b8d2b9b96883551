#include "log/error_log.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "temp_dir.h"

namespace weir::log {
namespace {

using testing::MatchesRegex;

class ErrorLogTest : public testing::Test {
 protected:
  std::shared_ptr<LogFile> open(const std::string& name) {
    int error = 0;
    return files.open(dir.file(name), error);
  }
  TempDir dir;
  LogFiles files;
  ErrorLog log;
};

struct Request final : Subject {
  void describe(std::string& text) const override { text += ", client: 10.0.0.9, request: \"GET /a HTTP/1.1\""; }
  std::uint64_t connection() const override { return 58; }
};

TEST_F(ErrorLogTest, WritesNginxsForm) {
  log.add(open("e.log"), Level::Error);
  error(log, Request{}, "connect() failed ({}: {})", 111, "Connection refused");
  EXPECT_THAT(dir.read("e.log"),
              MatchesRegex("[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} \\[error\\] [0-9]+#[0-9]+: "
                           "\\*58 connect\\(\\) failed \\(111: Connection refused\\), client: 10\\.0\\.0\\.9, "
                           "request: \"GET /a HTTP/1\\.1\"\n"));
  EXPECT_NE(dir.read("e.log").find(" " + std::to_string(getpid()) + "#"), std::string::npos);
}

TEST_F(ErrorLogTest, LeavesTheConnectionOutWhenThereIsNone) {
  log.add(open("e.log"), Level::Notice);
  notice(log, "signal {} received", 15);
  EXPECT_THAT(dir.read("e.log"), MatchesRegex(".* \\[notice\\] [0-9]+#[0-9]+: signal 15 received\n"));
}

TEST_F(ErrorLogTest, TakesItsLevelAndGraverOnes) {
  log.add(open("e.log"), Level::Warn);
  debug(log, "debug");
  info(log, "info");
  notice(log, "notice");
  warn(log, "warn");
  error(log, "error");
  crit(log, "crit");
  alert(log, "alert");
  emerg(log, "emerg");
  const std::string text = dir.read("e.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
  EXPECT_EQ(text.find("[notice]"), std::string::npos);
  EXPECT_NE(text.find("[warn]"), std::string::npos);
  EXPECT_NE(text.find("[emerg]"), std::string::npos);
}

struct NeverAsked final : Subject {
  void describe(std::string&) const override { ADD_FAILURE() << "described though the entry is filtered"; }
  std::uint64_t connection() const override { return 0; }
};

TEST_F(ErrorLogTest, FormatsNothingThatIsFiltered) {
  log.add(open("e.log"), Level::Error);
  info(log, NeverAsked{}, "{}", 1);
  error(ErrorLog{}, NeverAsked{}, "a log without targets");
  EXPECT_EQ(dir.read("e.log"), "");
}

TEST_F(ErrorLogTest, GivesEachTargetWhatItsLevelTakes) {
  log.add(open("errors.log"), Level::Error);
  log.add(open("all.log"), Level::Info);
  error(log, "one");
  info(log, "two");
  EXPECT_EQ(dir.read("errors.log").find("two"), std::string::npos);
  EXPECT_NE(dir.read("errors.log").find("one"), std::string::npos);
  EXPECT_NE(dir.read("all.log").find("two"), std::string::npos);
}

TEST_F(ErrorLogTest, InputCannotForgeALine) {
  log.add(open("e.log"), Level::Error);
  const std::string hostile("GET /\n2026/01/01 [emerg] forged\r\x1b[2J\0\x7f\ttab\xc3\xa4", 44);
  error(log, "bad request: \"{}\"", hostile);
  const std::string text = dir.read("e.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("GET /\\x0A2026/01/01 [emerg] forged\\x0D\\x1B[2J\\x00\\x7F\ttab\xc3\xa4\""), std::string::npos)
      << text;
}

TEST_F(ErrorLogTest, CutsAnEntryThatIsTooLong) {
  log.add(open("e.log"), Level::Error);
  error(log, "{}", std::string(100'000, 'x'));
  const std::string text = dir.read("e.log");
  EXPECT_EQ(text.size(), ErrorLog::kMaxEntry);
  EXPECT_TRUE(text.ends_with("xxx\n"));
}

TEST_F(ErrorLogTest, EntriesOfManyThreadsDoNotMix) {
  log.add(open("e.log"), Level::Error);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (int i = 0; i < 500; ++i) error(log, "thread {} says {}", t, std::string(200, 'y'));
    });
  for (std::thread& thread : threads) thread.join();
  std::istringstream text(dir.read("e.log"));
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines)
    ASSERT_THAT(line, MatchesRegex(".*\\[error\\] [0-9]+#[0-9]+: thread [0-3] says y+"));
  EXPECT_EQ(lines, 2000);
}

TEST(Level, NamesAreNginxs) {
  for (const char* name : {"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}) {
    ASSERT_TRUE(parse_level(name)) << name;
    EXPECT_EQ(to_string(*parse_level(name)), name);
  }
  EXPECT_FALSE(parse_level("warning"));
  EXPECT_FALSE(parse_level("ERROR"));
  EXPECT_FALSE(parse_level(""));
  EXPECT_LT(Level::Emerg, Level::Debug);
}

}  // namespace
}  // namespace weir::log
