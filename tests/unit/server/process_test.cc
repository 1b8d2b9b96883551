#include "server/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <stdexcept>

#include "child_process.h"

namespace weir::server {
namespace {

TEST(Process, ControlsAreNginxSignals) {
  EXPECT_EQ(signal_number(Control::Stop), SIGTERM);
  EXPECT_EQ(signal_number(Control::Quit), SIGQUIT);
  EXPECT_EQ(signal_number(Control::Reopen), SIGUSR1);
  EXPECT_EQ(signal_number(Control::Reload), SIGHUP);
}

TEST(Process, ControlReachesTheProcess) {
  EXPECT_EQ(in_child([] {
              send_control(getpid(), Control::Stop);
              pause();
              return 0;
            }),
            -SIGTERM);
}

TEST(Process, SaysThatNobodyIsThere) {
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  try {
    send_control(gone, Control::Reload);
    FAIL() << "somebody has the number again";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "kill(" + std::to_string(gone) + ", 1) failed (3: No such process)");
  }
}

TEST(Process, ResetUndoesWhatTheParentLeft) {
  EXPECT_EQ(in_child([] {
              signal(SIGTERM, SIG_IGN);
              sigset_t blocked;
              sigfillset(&blocked);
              sigprocmask(SIG_SETMASK, &blocked, nullptr);
              reset_signals();
              raise(SIGPIPE);  // ignored
              raise(SIGTERM);
              return 0;
            }),
            -SIGTERM);
}

TEST(Process, DescriptorLimitIsSetOrRaised) {
  EXPECT_EQ(in_child([] {
              if (set_descriptor_limit(200) != 200) return 1;
              rlimit limit = {100, 200};
              setrlimit(RLIMIT_NOFILE, &limit);
              return set_descriptor_limit({}) == 200 ? 0 : 2;
            }),
            0);
}

TEST(Process, ClosedStandardStreamsAreFilled) {
  EXPECT_EQ(in_child([] {
              close(0);
              close(2);
              ensure_standard_streams();
              if (fcntl(0, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0) return 1;
              return open("/dev/null", O_RDONLY) > 2 ? 0 : 2;
            }),
            0);
}

// The child of daemonize() is nobody's child here; a pipe tells what became of it.
TEST(Background, ParentExitsWithSuccessOnceTheChildIsReady) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int status = in_child([&ends] {
    const pid_t caller = getpid();
    Background background = Background::daemonize();
    background.ready(false);
    struct stat error_stream, null;
    fstat(2, &error_stream);
    stat("/dev/null", &null);
    const bool good = getpid() != caller && getsid(0) == getpid() && error_stream.st_rdev == null.st_rdev;
    const char answer = good ? 'y' : 'n';
    return write(ends[1], &answer, 1) == 1 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  close(ends[1]);
  char answer = 0;
  EXPECT_EQ(read(ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  close(ends[0]);
}

TEST(Background, ParentFailsWhenTheChildEndsBeforeItIsReady) {
  EXPECT_EQ(in_child([] {
              Background background = Background::daemonize();
              return 0;
            }),
            1);
}

TEST(Background, InTheForegroundTheStreamsStay) {
  struct stat before, after;
  ASSERT_EQ(fstat(2, &before), 0);
  Background background;
  background.ready(false);
  ASSERT_EQ(fstat(2, &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(before.st_dev, after.st_dev);
}

}  // namespace
}  // namespace weir::server
