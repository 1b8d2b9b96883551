#include "log/log_file.h"

#include <sys/stat.h>

#include <map>
#include <thread>

#include "temp_dir.h"

namespace weir::log {
namespace {

TEST(LogFile, AppendsToWhatIsThere) {
  const TempDir dir;
  std::ofstream(dir.file("a.log")) << "old\n";
  LogFiles files;
  int error = -1;
  const auto file = files.open(dir.file("a.log"), error);
  ASSERT_TRUE(file);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(file->write("new\n"), 0);
  EXPECT_EQ(dir.read("a.log"), "old\nnew\n");
}

TEST(LogFile, IsSharedByAllWhoOpenThePath) {
  const TempDir dir;
  LogFiles files;
  int error = 0;
  const auto first = files.open(dir.file("a.log"), error);
  EXPECT_EQ(files.open(dir.file("a.log"), error), first);
  EXPECT_NE(files.open(dir.file("b.log"), error), first);
}

TEST(LogFile, TellsWhyItCannotBeOpened) {
  const TempDir dir;
  LogFiles files;
  int error = 0;
  EXPECT_EQ(files.open(dir.file("missing/a.log"), error), nullptr);
  EXPECT_EQ(error, ENOENT);
}

TEST(LogFile, GoesOnInANewFileAfterReopening) {
  const TempDir dir;
  LogFiles files;
  int error = 0;
  const auto file = files.open(dir.file("a.log"), error);
  file->write("before\n");
  std::filesystem::rename(dir.file("a.log"), dir.file("a.log.1"));
  file->write("still the old one\n");
  files.reopen([](const std::string& path, int) { ADD_FAILURE() << path; });
  file->write("after\n");
  EXPECT_EQ(dir.read("a.log.1"), "before\nstill the old one\n");
  EXPECT_EQ(dir.read("a.log"), "after\n");
}

TEST(LogFile, KeepsTheOldFileWhenReopeningFails) {
  const TempDir dir;
  std::filesystem::create_directory(dir.file("sub"));
  LogFiles files;
  int error = 0;
  const auto file = files.open(dir.file("sub/a.log"), error);
  std::filesystem::rename(dir.file("sub"), dir.file("moved"));
  std::map<std::string, int> failures;
  files.reopen([&](const std::string& path, int why) { failures[path] = why; });
  EXPECT_EQ(failures, (std::map<std::string, int>{{dir.file("sub/a.log"), ENOENT}}));
  file->write("kept\n");
  EXPECT_EQ(dir.read("moved/a.log"), "kept\n");
}

TEST(LogFile, LosesAndMixesNothingWhileItIsReopenedUnderWriters) {
  const TempDir dir;
  LogFiles files;
  int error = 0;
  const auto file = files.open(dir.file("a.log"), error);
  constexpr int kWriters = 3, kLines = 3000;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&file, w] {
      const std::string line = std::string(100, static_cast<char>('a' + w)) + '\n';
      for (int i = 0; i < kLines; ++i) EXPECT_EQ(file->write(line), 0);
    });
  for (int i = 0; i < 20; ++i) {
    std::filesystem::rename(dir.file("a.log"), dir.file("a.log." + std::to_string(i)));
    EXPECT_EQ(file->reopen(), 0);
    std::this_thread::yield();
  }
  for (std::thread& writer : writers) writer.join();
  int lines = 0;
  const auto count = [&](const std::string& name) {
    std::istringstream text(dir.read(name));
    for (std::string line; std::getline(text, line); ++lines)
      EXPECT_EQ(line, std::string(100, line.empty() ? '?' : line[0]));
  };
  count("a.log");
  for (int i = 0; i < 20; ++i) count("a.log." + std::to_string(i));
  EXPECT_EQ(lines, kWriters * kLines);
}

TEST(LogFile, StandardErrorIsNeitherReopenedNorClosed) {
  LogFiles files;
  int error = 0;
  {
    const auto file = files.open("stderr", error);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->reopen(), 0);
    EXPECT_EQ(files.open("", error), file);
  }
  struct stat about;
  EXPECT_EQ(fstat(2, &about), 0);
}

}  // namespace
}  // namespace weir::log
