#include "server/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace weir::server {
namespace {

constexpr std::array kSignals = {SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1,
                                 SIGUSR2, SIGWINCH, SIGCHLD, SIGALRM, SIGIO};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(system_error_text(what, errno));
}

/// Reads until the child says that it is ready or has gone. True: ready.
bool wait_for_readiness(int fd) {
  char byte;
  ssize_t got;
  do got = read(fd, &byte, 1);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

}  // namespace

std::string system_error_text(const std::string& what, int error_number) {
  return fmt::format("{} failed ({}: {})", what, error_number, strerror(error_number));
}

int signal_number(Control control) {
  switch (control) {
    case Control::Stop:
      return SIGTERM;
    case Control::Quit:
      return SIGQUIT;
    case Control::Reopen:
      return SIGUSR1;
    case Control::Reload:
      return SIGHUP;
  }
  return SIGTERM;
}

void send_control(pid_t pid, Control control) {
  const int signal = signal_number(control);
  if (kill(pid, signal) != 0) fail(fmt::format("kill({}, {})", pid, signal));
}

void reset_signals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);  // a file that may not grow is reported by the write that meets it

  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::uint64_t set_descriptor_limit(std::optional<std::uint64_t> wanted) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit(RLIMIT_NOFILE)");
  if (wanted)
    limit.rlim_cur = limit.rlim_max = *wanted;
  else
    limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail(fmt::format("setrlimit(RLIMIT_NOFILE, {})", limit.rlim_cur));
  return limit.rlim_cur;
}

void ensure_standard_streams() {
  // open() takes the lowest free number, so each closed one is filled in turn.
  int fd;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) close(fd);
}

Background::Background(Background&& other) noexcept : notify_(std::exchange(other.notify_, -1)) {}

Background& Background::operator=(Background&& other) noexcept {
  std::swap(notify_, other.notify_);
  return *this;
}

Background::~Background() {
  if (notify_ >= 0) close(notify_);
}

Background Background::daemonize() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2()");
  const pid_t child = fork();
  if (child < 0) {
    const int error_number = errno;
    close(ends[0]);
    close(ends[1]);
    throw std::runtime_error(system_error_text("fork()", error_number));
  }
  if (child > 0) {
    close(ends[1]);  // else the end of the child would not be seen
    _exit(wait_for_readiness(ends[0]) ? 0 : 1);
  }
  close(ends[0]);
  Background background;
  background.notify_ = ends[1];
  if (setsid() < 0) fail("setsid()");
  return background;
}

void Background::ready(bool keep_stderr) {
  if (notify_ < 0) return;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (!keep_stderr) dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO) close(null);
  }
  // The streams first: once the parent is gone, nobody expects output on the terminal. A parent that was killed
  // meanwhile is no reason to stop; SIGPIPE is ignored.
  [[maybe_unused]] const ssize_t written = write(notify_, "r", 1);
  close(std::exchange(notify_, -1));
}

}  // namespace weir::server
