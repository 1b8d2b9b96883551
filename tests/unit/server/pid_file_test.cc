#include "server/pid_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weir::server {
namespace {

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() {
    char name[] = "/tmp/weir-pid-XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/weir.pid";
  }
  ~PidFileTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) { std::ofstream(path_) << text; }
  std::string complaint() {
    try {
      read_pid_file(path_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read";
  }

  std::string folder_, path_;
};

TEST_F(PidFileTest, HoldsThisProcessUntilItIsDestroyed) {
  {
    const PidFile file = PidFile::write(path_);
    EXPECT_EQ(read_pid_file(path_), getpid());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(PidFileTest, ReplacesWhatACrashLeft) {
  write("1\n");
  const PidFile file = PidFile::write(path_);
  EXPECT_EQ(read_pid_file(path_), getpid());
}

TEST_F(PidFileTest, LeavesAFileThatNamesAnotherProcess) {
  {
    const PidFile file = PidFile::write(path_);
    write("1\n");
  }
  EXPECT_EQ(read_pid_file(path_), 1);
}

TEST_F(PidFileTest, MovesToAnotherPath) {
  PidFile file = PidFile::write(path_);
  file = PidFile::write(folder_ + "/other.pid");
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(read_pid_file(folder_ + "/other.pid"), getpid());
}

TEST_F(PidFileTest, SurvivesBeingWrittenAgainToTheSamePath) {
  PidFile file = PidFile::write(path_);
  file = PidFile::write(path_);
  EXPECT_EQ(read_pid_file(path_), getpid());
}

TEST_F(PidFileTest, SaysWhyItCannotBeWritten) {
  try {
    PidFile::write(folder_ + "/none/weir.pid");
    FAIL() << "written";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "open() \"" + folder_ + "/none/weir.pid\" failed (2: No such file or directory)");
  }
}

TEST_F(PidFileTest, ComplainsAboutUnreadableContent) {
  EXPECT_EQ(complaint(), "open() \"" + path_ + "\" failed (2: No such file or directory)");
  for (const std::string text : {"", "abc", "12x", "0", "-1", "99999999999999999999"}) {
    write(text + "\n");
    EXPECT_EQ(complaint(), "invalid PID number \"" + text + "\" in \"" + path_ + "\"");
  }
}

}  // namespace
}  // namespace weir::server
