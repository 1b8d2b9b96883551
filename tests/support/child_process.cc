#include "child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <utility>

#include "temp_dir.h"

extern char** environ;

namespace weir::test {

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, std::string output_file,
                           const std::vector<std::string>& environment)
    : output_file_(std::move(output_file)) {
  // Everything that allocates happens before the fork: another thread may hold the allocator's lock.
  std::vector<char*> argv, envp;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  for (const auto& line : environment) envp.push_back(const_cast<char*>(line.c_str()));
  for (char** entry = environ; *entry; ++entry) envp.push_back(*entry);
  envp.push_back(nullptr);
  const int out = ::open(output_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || null < 0) throw std::system_error(errno, std::generic_category(), output_file_);

  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execve(argv[0], argv.data(), envp.data());
    constexpr char kText[] = "cannot execute the program under test\n";
    [[maybe_unused]] const auto ignored = ::write(2, kText, sizeof kText - 1);
    ::_exit(127);
  }
  const int error = errno;
  if (pid_ > 0) ::setpgid(pid_, pid_);
  ::close(out);
  ::close(null);
  if (pid_ < 0) throw std::system_error(error, std::generic_category(), "fork");
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      exit_code_(other.exit_code_),
      output_file_(std::move(other.output_file_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    exit_code_ = other.exit_code_;
    output_file_ = std::move(other.output_file_);
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  kill();
}

bool ChildProcess::reap(bool block) {
  if (pid_ <= 0 || exit_code_) return true;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, block ? 0 : WNOHANG);
  if (got == 0) return false;
  exit_code_ = got < 0 ? 255 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

bool ChildProcess::running() {
  return !reap(false);
}

void ChildProcess::signal(int number) const {
  if (pid_ <= 0 || exit_code_ || ::kill(pid_, number) != 0 || number != SIGSTOP) return;
  // A thread goes on until the one that got the signal has told it.
  siginfo_t stopped;
  ::waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WEXITED | WNOWAIT);
}

void ChildProcess::kill() {
  if (pid_ <= 0) return;
  // The group too: a master killed this way leaves its workers. Our own unreaped child keeps the group's number ours.
  if (!exit_code_) ::kill(-pid_, SIGKILL);
  reap(true);
}

std::optional<int> ChildProcess::wait(milliseconds patience) {
  wait_until([this] { return !running(); }, patience);
  return exit_code_;
}

std::string ChildProcess::output() const {
  return read_file(output_file_);
}

RunResult run_program(const std::vector<std::string>& arguments, milliseconds patience) {
  const TempDir dir("run");
  ChildProcess child(arguments, (dir.path() / "output").string());
  if (!child.wait(patience)) child.kill();
  return {*child.wait(), child.output()};
}

}  // namespace weir::test
