#include <unistd.h>

#include <algorithm>
#include <thread>

#include "log/access_log_file.h"
#include "temp_dir.h"

namespace weir::log {
namespace {

class AccessLogTest : public testing::Test {
 protected:
  std::shared_ptr<LogFile> open(const std::string& name) {
    int error = 0;
    return files.open(name.starts_with('/') ? name : dir.file(name), error);
  }
  TempDir dir;
  LogFiles files;
  ErrorLog complaints;
};

TEST_F(AccessLogTest, WritesItsLinesWhenItIsFlushed) {
  AccessLogFile log(open("a.log"), complaints);
  log.append("one\n");
  log.append("two\n");
  EXPECT_EQ(dir.read("a.log"), "");
  EXPECT_EQ(log.pending(), 8u);
  log.flush();
  EXPECT_EQ(dir.read("a.log"), "one\ntwo\n");
  log.flush();
  EXPECT_EQ(dir.read("a.log"), "one\ntwo\n");
}

TEST_F(AccessLogTest, WritesWholeLinesWhenTheBufferIsFull) {
  AccessLogFile log(open("a.log"), complaints, 10);
  log.append("12345\n");
  log.append("789\n");
  EXPECT_EQ(dir.read("a.log"), "");  // just fits
  log.append("x\n");
  EXPECT_EQ(dir.read("a.log"), "12345\n789\n");
  EXPECT_EQ(log.pending(), 2u);
}

TEST_F(AccessLogTest, WritesALineLongerThanTheBufferInItsPlace) {
  AccessLogFile log(open("a.log"), complaints, 10);
  log.append("a\n");
  log.append(std::string(100, 'b') + "\n");
  log.append("c\n");
  log.flush();
  EXPECT_EQ(dir.read("a.log"), "a\n" + std::string(100, 'b') + "\nc\n");
}

TEST_F(AccessLogTest, FlushesAtItsEnd) {
  { AccessLogFile(open("a.log"), complaints).append("last\n"); }
  EXPECT_EQ(dir.read("a.log"), "last\n");
}

TEST_F(AccessLogTest, MovesWithItsLines) {
  AccessLogFile first(open("a.log"), complaints);
  first.append("a line that is longer than a small string\n");
  AccessLogFile second(std::move(first));
  second.flush();
  EXPECT_EQ(dir.read("a.log"), "a line that is longer than a small string\n");
}

TEST_F(AccessLogTest, LinesOfSeveralWorkersDoNotMix) {
  constexpr int kWorkers = 3, kLines = 5000;
  const auto file = open("a.log");
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w)
    workers.emplace_back([&, w] {
      AccessLogFile log(file, complaints, 1000);
      for (int i = 0; i < kLines; ++i) {
        log.append(std::string(static_cast<std::size_t>(10 + i % 50), static_cast<char>('a' + w)) + "\n");
        if (i % 7 == 0) log.flush();
      }
    });
  for (std::thread& worker : workers) worker.join();
  std::istringstream text(dir.read("a.log"));
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines)
    ASSERT_TRUE(!line.empty() && line.find_first_not_of(line[0]) == std::string::npos) << line;
  EXPECT_EQ(lines, kWorkers * kLines);
}

TEST_F(AccessLogTest, SurvivesAFullDiskCountsAndComplainsOnce) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  ErrorLog errors;
  errors.add(open("e.log"), Level::Error);
  AccessLogFile log(open("/dev/full"), errors);
  for (int i = 0; i < 10; ++i) {
    log.append("lost\n");
    log.flush();
    EXPECT_EQ(log.pending(), 0u);
  }
  EXPECT_EQ(log.lost(), 50u);
  const std::string text = dir.read("e.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("[alert]"), std::string::npos);
  EXPECT_NE(text.find("write() to \"/dev/full\" failed (28: No space left on device), 5 bytes lost"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace weir::log
